import keras
import numpy as np
import pytest

from keras_selfmodel.datasets import PADDING, inputs_of
from keras_selfmodel.layers import MeanPooledEmbedding

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28), (784,), (1, 28, 28), (None, None, 1)])
def test_images_are_given_in_the_shape_that_the_network_takes(shape):
    inputs = keras.Input(shape)
    x = inputs_of(keras.Model(inputs, keras.layers.Dense(10)(inputs)), IMAGES, scaling="none")
    np.testing.assert_array_equal(x.ravel(), IMAGES.ravel())
    assert x.shape == (3, *((28, 28, 1) if None in shape else shape)) and x.dtype == np.float32


@pytest.mark.parametrize(("scaling", "black", "white"), [("symmetric", -1, 1), ("unit", 0, 1), ("none", 0, 255)])
def test_pixels_are_scaled_as_the_network_expects_them(scaling, black, white):
    images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    x = inputs_of(keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)]), images, scaling=scaling)
    assert x.ravel().tolist() == [black, white]


def test_texts_with_more_tokens_than_the_network_knows_are_refused():
    tokens = keras.Input((None,), dtype="int32")
    model = keras.Model(tokens, keras.layers.Dense(2)(MeanPooledEmbedding(5, 3)(tokens)))
    texts = np.array([np.array([1, 4]), np.array([2, 3, 4])], dtype=object)
    assert inputs_of(model, texts).tolist() == [[1, 4, PADDING], [2, 3, 4]]
    texts[0] = np.array([5])
    with pytest.raises(ValueError, match="knows 5 tokens, but the texts have token numbers up to 5"):
        inputs_of(model, texts)
