"""The signs of activations."""

import keras
from keras import ops

from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class Signs(keras.layers.Layer):
    """−1, 0 or 1 for each unit: after a ReLU, whether it is active. No gradient comes through.

    Input and output shape: `(batch, units)`.

    Example:

    >>> ops.convert_to_numpy(Signs()(ops.array([[-3.0, 0.0, 0.1]]))).tolist()
    [[-1.0, 0.0, 1.0]]
    """

    def call(self, inputs: Tensor) -> Tensor:
        return ops.sign(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple:
        return tuple(input_shape)
