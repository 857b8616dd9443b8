import keras
import numpy as np

from keras_selfmodel.layers import MeanPooledEmbedding


def test_the_mean_is_that_of_the_tokens_without_the_padding():
    layer = MeanPooledEmbedding(5, 3)
    tokens = np.array([[4, 0, 0, -1], [2, -1, -1, -1], [1, 2, 3, 4]])
    pooled = keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(tokens)))
    table = keras.ops.convert_to_numpy(layer.embeddings)
    expected = [(table[4] + 2 * table[0]) / 3, table[2], table[1:].mean(axis=0)]
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)


def test_a_text_without_tokens_has_mean_zero():
    pooled = MeanPooledEmbedding(5, 3)(keras.ops.convert_to_tensor([[-1, -1]]))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(pooled), np.zeros((1, 3)))


def test_it_comes_back_from_its_config():
    layer = MeanPooledEmbedding(5, 3, "zeros", name="pooled")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    assert again.name == "pooled" and again.compute_output_shape((7, None)) == (7, 3)
