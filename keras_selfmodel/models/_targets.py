"""What is predicted, or penalized: activations of one or several layers as one vector a sample."""

import math
from collections.abc import Sequence
from typing import Literal

import keras
import numpy as np
from keras import ops

from keras_selfmodel.models._masks import mask_of
from keras_selfmodel.transforms.tensors import Tensor

TargetNormalization = Literal["unit_rms"] | None


def checked_names(targets: str | Sequence[str], argument: str = "targets") -> tuple[str, ...]:
    """The names of the target layers, or of other layers.

    Raises:
        ValueError: If there is none, one is named twice, or it is not names of layers.
    """
    targets = targets.tolist() if isinstance(targets, np.ndarray) else targets
    given = targets if isinstance(targets, list | tuple) else (targets,)
    names = tuple(given)
    if not names:
        raise ValueError(f"{argument} must name at least one layer. Received: {argument}=[]")
    for name in names:
        if not isinstance(name, str):
            raise ValueError(
                f"{argument} must be names of layers, 'hidden' or ['hidden', 'block/conv']. "
                f"Received: {argument}={targets!r}, with {name!r} of type {type(name).__name__}"
            )
    if len(set(names)) != len(names):
        raise ValueError(f"Each layer may be named once. Received: {argument}={list(names)}")
    return names


def check_sizes(argument: str, names: Sequence[str], tensors: Sequence, *, per_timestep: bool = False) -> None:
    """Checks that all axes are known that become units.

    Args:
        argument: What they were named for.
        names: Names of layers.
        tensors: What these put out, symbolic.
        per_timestep: Whether the axis behind the batch is time, whose length need not be known.

    Raises:
        ValueError: If one is not known, or if there is no time.
    """
    for name, tensor in zip(names, tensors, strict=True):
        shape = tuple(tensor.shape)
        if per_timestep and len(shape) < 3:
            raise ValueError(
                "per_timestep=True needs sequences, (batch, steps, ...). "
                f"Received: {argument} {name!r} of shape {shape}"
            )
        if None in shape[2 if per_timestep else 1 :]:
            but = "the batch and the steps" if per_timestep else "the batch"
            hint = "" if per_timestep or len(shape) < 3 else " For a sequence of any length, use per_timestep=True."
            raise ValueError(
                f"All axes but {but} must be known, because each activation gets its own output of the head, and "
                f"weights.{hint} Received: {argument} {name!r} of shape {shape}"
            )


def target_tensor(
    activations: Sequence, normalization: TargetNormalization = None, *, per_timestep: bool = False
) -> Tensor:
    """Flattens symbolic activations per sample and concatenates them: `(batch, n)`.

    Args:
        activations: One for each layer, `(batch, ...)`.
        normalization: "unit_rms" divides each by its root mean square over the batch and its units, without the masked
            steps of a sequence.
        per_timestep: As of `flat`.
    """
    # The loss is formed in single precision at least, whatever precision the layers compute in.
    precision = keras.config.floatx()
    masks = [mask_of(activation) if normalization == "unit_rms" else None for activation in activations]
    activations = [a if a.dtype == precision else ops.cast(a, precision) for a in activations]
    if normalization == "unit_rms":
        activations = [_unit_rms(activation, mask) for activation, mask in zip(activations, masks, strict=True)]
    return concatenated([flat(activation, per_timestep=per_timestep) for activation in activations])


def flat(tensor: Tensor, *, per_timestep: bool = False) -> Tensor:
    """Flattens all axes but the batch: `(batch, n)`; or but the batch and the steps: `(batch, steps, n)`.

    Args:
        tensor: Symbolic.
        per_timestep: Whether the axis behind the batch stays, which is time.
    """
    kept = 2 if per_timestep else 1
    if len(tensor.shape) == kept + 1:
        return tensor
    units = math.prod(tensor.shape[kept:])
    if per_timestep and tensor.shape[1] is None:
        return keras.layers.TimeDistributed(keras.layers.Flatten())(tensor)
    # An operation, not a layer: Keras warns of layers that drop a mask, and it is no longer one of these axes.
    return ops.reshape(tensor, (-1, *tensor.shape[1:kept], units))


def concatenated(tensors: Sequence) -> Tensor:
    """Symbolic tensors side by side along the last axis.

    Raises:
        ValueError: If they are sequences of different lengths.
    """
    lengths = {tensor.shape[1] for tensor in tensors if len(tensor.shape) == 3} - {None}
    if len(lengths) > 1:
        raise ValueError(f"Sequences that are joined must be of one length. Received: {sorted(lengths)} steps")
    return ops.concatenate(tensors, axis=-1) if len(tensors) > 1 else tensors[0]


def steps_apart(prediction: Tensor, target: Tensor, ahead: int) -> tuple:
    """The prediction of a step and the target `ahead` steps later, both `(batch, steps - ahead, n)`.

    Raises:
        ValueError: If they are of different lengths, or of no more than `ahead` steps.
    """
    steps = prediction.shape[1], target.shape[1]
    if None not in steps and steps[0] != steps[1]:
        raise ValueError(
            "per_timestep=True needs features and targets of as many steps. "
            f"Received: features of {steps[0]} steps, targets of {steps[1]}"
        )
    if ahead and any(length is not None and length <= ahead for length in steps):
        raise ValueError(f"steps_ahead must be less than the number of steps. Received: {ahead}, of {steps[1]} steps")
    return (prediction[:, :-ahead], target[:, ahead:]) if ahead else (prediction, target)


def _unit_rms(activation: Tensor, mask: Tensor | None = None) -> Tensor:
    squares = ops.square(activation)
    if mask is None:
        mean = ops.mean(squares)
    else:
        counted = ops.cast(mask, squares.dtype)
        of_steps = ops.mean(squares, axis=tuple(range(2, len(squares.shape)))) * counted
        mean = ops.divide_no_nan(ops.sum(of_steps), ops.sum(counted))
    return activation * ops.rsqrt(mean + keras.config.epsilon())
