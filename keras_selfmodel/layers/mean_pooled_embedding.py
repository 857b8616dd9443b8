"""The mean of the embeddings of a text's words."""

from typing import Any

import keras
from keras import ops

from keras_selfmodel.initializers import StandardNormal
from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class MeanPooledEmbedding(keras.layers.Layer):
    """Looks up a vector for each token of a text and averages them; the order of the tokens does not matter.

    Args:
        vocabulary_size: Number of tokens, which are 0 … vocabulary_size − 1.
        units: Length of a vector.
        embeddings_initializer: Initial vectors; N(0, 1) by default.
        **kwargs: As for any Keras layer.

    Input shape: `(batch, length)`, integers. A negative number, such as `datasets.PADDING`, stands for no token; a text
    without tokens has mean zero. Output shape: `(batch, units)`.

    Reference:
        `torch.nn.EmbeddingBag` with mode "mean", which the paper's IMDB network starts with.

    Example:

    >>> layer = MeanPooledEmbedding(4, 2, embeddings_initializer=lambda shape, dtype: [[0, 0], [2, 0], [0, 6], [1, 1]])
    >>> ops.convert_to_numpy(layer(ops.array([[1, 2, -1], [3, 3, 3]]))).tolist()
    [[1.0, 3.0], [1.0, 1.0]]
    """

    def __init__(self, vocabulary_size: int, units: int, embeddings_initializer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer) or StandardNormal()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embeddings = self.add_weight(
            shape=(self.vocabulary_size, self.units), initializer=self.embeddings_initializer, name="embeddings"
        )

    def call(self, inputs: Tensor) -> Tensor:
        is_token = ops.cast(inputs >= 0, self.compute_dtype)
        frequencies = is_token / ops.maximum(ops.sum(is_token, axis=1, keepdims=True), 1.0)
        vectors = ops.take(self.embeddings, ops.maximum(inputs, 0), axis=0)
        return ops.squeeze(ops.matmul(ops.expand_dims(frequencies, 1), vectors), 1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple:
        return (input_shape[0], self.units)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }
