"""Masks of sequences, as outputs of a graph: the one place that reads them."""

import math
from typing import Any

import keras
from keras import ops

from keras_selfmodel._internals.keras import layers_inside
from keras_selfmodel.transforms.tensors import Tensor

SCORES_MASK = "scores_mask_"


class MaskOf(keras.Layer):
    """The mask that Keras passes along with a sequence, `(batch, steps)`; all `True` where there is none.

    A layer, because Keras hands masks to layers only: those that embeddings inside nested models make appear nowhere
    else before data flows.

    Args:
        units: How many values a sample has, for the mask of each, `(batch, units)`; `None` for that of the steps. Of
            masks of more axes than steps, a step counts if any of it does.
    """

    def __init__(self, units: int | None = None, **kwargs: Any) -> None:
        super().__init__(trainable=False, autocast=False, **kwargs)
        self.supports_masking = True
        self.units = units

    def call(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor:
        shape = ops.shape(sequence)
        if mask is None:
            return ops.ones((shape[0], shape[1] if self.units is None else self.units), dtype="bool")
        mask, axes = ops.cast(mask, "bool"), len(mask.shape)
        if self.units is None:
            return ops.any(mask, axis=tuple(range(2, axes))) if axes > 2 else mask
        mask = ops.reshape(mask, (*ops.shape(mask), *[1] * (len(shape) - axes)))
        return ops.reshape(ops.broadcast_to(mask, shape), (-1, self.units))

    def compute_mask(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return None

    def compute_output_spec(self, sequence: Tensor, mask: Tensor | None = None) -> Any:
        return keras.KerasTensor((sequence.shape[0], self.units or sequence.shape[1]), dtype="bool")


def mask_of(tensor: Tensor) -> Tensor | None:
    """The symbolic mask of a symbolic sequence, `(batch, steps)`; `None` for what has no steps.

    Args:
        tensor: A symbolic output of a layer, `(batch, steps, ...)`.
    """
    return MaskOf()(tensor) if _may_be_masked(tensor) else None


def masks_of_units(activations: list) -> Tensor | None:
    """The symbolic masks of activations, flattened as they are: `(batch, n)`; `None` where no layer has steps.

    Args:
        activations: Symbolic, one for each target layer, `(batch, ...)`, all axes but the batch known.
    """
    if not any(_may_be_masked(activation) for activation in activations):
        return None
    flat = [MaskOf(math.prod(activation.shape[1:]))(activation) for activation in activations]
    return ops.concatenate(flat, axis=-1) if len(flat) > 1 else flat[0]


def masks_of_outputs(outputs: list) -> dict[str, Tensor]:
    """The symbolic masks `(batch, steps)` of a model's outputs that have steps, by "scores_mask_" and their number.

    Args:
        outputs: Symbolic, `(batch, ...)`.
    """
    masks = {f"{SCORES_MASK}{number}": mask_of(output) for number, output in enumerate(outputs)}
    return {name: mask for name, mask in masks.items() if mask is not None}


def masks_in(outputs: dict) -> dict[int, Tensor]:
    """Of what `masks_of_outputs` has added to the outputs of a graph, each mask by the number of its output."""
    return {int(n.removeprefix(SCORES_MASK)): mask for n, mask in outputs.items() if n.startswith(SCORES_MASK)}


def masks_of_steps(targets: list, features: list, ahead: int) -> Tensor | None:
    """The symbolic mask of the steps that are predicted, `(batch, steps - ahead)`: of both ends of each prediction.

    Args:
        targets: Symbolic sequences that are predicted, `(batch, steps, ...)`.
        features: Those that the head reads.
        ahead: How many steps later the targets are.
    """
    last = None if ahead == 0 else -ahead
    masks = [MaskOf()(target)[:, ahead:] for target in targets] + [MaskOf()(one)[:, :last] for one in features]
    counted = masks[0]
    for mask in masks[1:]:
        counted = ops.logical_and(counted, mask)
    return counted


def _may_be_masked(tensor: Tensor) -> bool:
    """Whether it has steps, and may come with a mask of them.

    Images have as many axes as sequences of images do, and a mask of every value of theirs would be waste: what has
    more axes than `(batch, steps, units)` is asked whether anything that it is computed from makes masks.
    """
    if len(tensor.shape) <= 3:
        return len(tensor.shape) == 3
    before = keras.Model(keras.utils.get_source_inputs(tensor), tensor)
    return any(_makes_masks(layer) for layer in layers_inside(before))


def _makes_masks(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.layers.Masking) or getattr(layer, "mask_zero", False):
        return True
    defining = next(cls for cls in type(layer).__mro__ if "compute_mask" in vars(cls))
    return not defining.__module__.startswith("keras.")
