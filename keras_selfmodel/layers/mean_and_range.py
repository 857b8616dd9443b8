"""Two numbers for all activations of a sample."""

import keras
from keras import ops

from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class MeanAndRange(keras.layers.Layer):
    """The mean over the units of a sample, and their range, the largest minus the smallest.

    Input shape: `(batch, units)`. Output shape: `(batch, 2)`.

    Example:

    >>> ops.convert_to_numpy(MeanAndRange()(ops.array([[1.0, 3.0, 8.0]]))).tolist()
    [[4.0, 7.0]]
    """

    def call(self, inputs: Tensor) -> Tensor:
        spread = ops.max(inputs, axis=-1) - ops.min(inputs, axis=-1)
        return ops.stack([ops.mean(inputs, axis=-1), spread], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple:
        return (*input_shape[:-1], 2)
