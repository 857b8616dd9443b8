import keras
import pytest
from keras import layers

from keras_selfmodel import transforms


@pytest.mark.on_cpu
@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="other backends need no options")
@pytest.mark.parametrize(
    ("made", "fused"),
    [
        ([layers.Dense(3)], True),
        ([layers.GRU(3)], True),
        ([layers.Conv1D(3, 2)], False),
        ([layers.Dense(3), keras.Sequential([layers.SeparableConv1D(3, 2)])], False),
    ],
)
def test_convolutions_are_left_to_tensorflow_on_a_cpu(made, fused):
    model = keras.Sequential([keras.Input((5, 4)), *made])
    assert transforms.compile_options(model)["jit_compile"] is fused


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="TensorFlow has some")
def test_there_are_none_elsewhere():
    assert transforms.compile_options(keras.Sequential([keras.Input((5,)), layers.Dense(3)])) == {}
