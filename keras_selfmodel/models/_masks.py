"""Masks of sequences, as outputs of a graph: the one place that reads them."""

import math

import keras
from keras import ops


class MaskOf(keras.Layer):
    """The mask that Keras passes along with a sequence, `(batch, steps)`; all `True` where there is none.

    A layer, because Keras hands masks to layers only: those that embeddings inside nested models make appear nowhere
    else before data flows.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(trainable=False, autocast=False, **kwargs)
        self.supports_masking = True

    def call(self, sequence, mask=None):
        shape = ops.shape(sequence)[:2]
        return ops.ones(shape, dtype="bool") if mask is None else ops.cast(mask, "bool")

    def compute_mask(self, sequence, mask=None):
        return None

    def compute_output_spec(self, sequence, mask=None):
        return keras.KerasTensor(sequence.shape[:2], dtype="bool")


def mask_of(tensor):
    """The symbolic mask of a symbolic sequence, `(batch, steps, ...)`; `None` for what has no steps.

    Args:
        tensor: A symbolic output of a layer.
    """
    return MaskOf()(tensor) if len(tensor.shape) == 3 else None


def masks_of_units(activations: list):
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


def masks_of_steps(activations: list, ahead: int):
    """The symbolic mask of sequences that are predicted step by step, `(batch, steps - ahead)`.

    Args:
        activations: Symbolic, one for each target layer, `(batch, steps, ...)`.
        ahead: How many of the first steps are not predicted.
    """
    masks = [MaskOf()(activation)[:, ahead:] for activation in activations]
    mask = masks[0]
    for other in masks[1:]:
        mask = ops.logical_and(mask, other)
    return mask
