"""A head that cannot see: it guesses the same for all samples."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class BiasOnlyHead(keras.layers.Layer):
    """Predicts a fixed vector, whatever the features: â = b, with b learned, from 0 on.

    A control for `SelfModelingModel`. With the stop of the gradient it leaves the classifier as it would be alone, and
    its loss is the variance of the targets; with `stop_gradient=False` it pulls them towards their mean.

    Args:
        units: Number of target activations.
        **kwargs: As for any Keras layer.

    Input shape: `(batch, ..., features)`. Output shape: `(batch, ..., units)`.

    Example:

    >>> head = BiasOnlyHead(3)
    >>> tuple(head(ops.ones((2, 5))).shape), head.count_params()
    ((2, 3), 3)
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Sequence[int]) -> None:
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        return ops.broadcast_to(self.bias, (*ops.shape(inputs)[:-1], self.units))

    def compute_output_shape(self, input_shape: Sequence[int]) -> tuple:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}
