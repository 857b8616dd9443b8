"""Masks of sequences, as outputs of a graph: the one place that reads them."""

import math
from typing import Any

import keras
from keras import ops

from keras_selfmodel.transforms.tensors import Tensor


class MaskOf(keras.Layer):
    """The mask that Keras passes along with a sequence, `(batch, steps)`; all `True` where there is none.

    A layer, because Keras hands masks to layers only: those that embeddings inside nested models make appear nowhere
    else before data flows.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trainable=False, autocast=False, **kwargs)
        self.supports_masking = True

    def call(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor:
        shape = ops.shape(sequence)[:2]
        return ops.ones(shape, dtype="bool") if mask is None else ops.cast(mask, "bool")

    def compute_mask(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return None

    def compute_output_spec(self, sequence: Tensor, mask: Tensor | None = None) -> Any:
        return keras.KerasTensor(sequence.shape[:2], dtype="bool")


def mask_of(tensor: Tensor) -> Tensor | None:
    """The symbolic mask of a symbolic sequence, `(batch, steps, ...)`; `None` for what has no steps.

    Args:
        tensor: A symbolic output of a layer.
    """
    return MaskOf()(tensor) if len(tensor.shape) == 3 else None


def masks_of_units(activations: list) -> Tensor | None:
    """The symbolic masks of activations, flattened as they are: `(batch, n)`; `None` where no layer has steps.

    Args:
        activations: Symbolic, one for each target layer, `(batch, ...)`, all axes but the batch known.
    """
    masks = [mask_of(activation) for activation in activations]
    if all(mask is None for mask in masks):
        return None
    flat = []
    for activation, mask in zip(activations, masks, strict=True):
        units = math.prod(activation.shape[1:])
        if mask is None:
            first = ops.reshape(activation, (-1, units))
            flat.append(ops.ones_like(first, dtype="bool"))
        else:
            flat.append(ops.repeat(mask, units // mask.shape[1], axis=1))
    return ops.concatenate(flat, axis=-1) if len(flat) > 1 else flat[0]


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
