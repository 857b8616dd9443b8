import keras
import numpy as np

from keras_selfmodel.layers import SelfPredictionHead


def test_output_is_linear_in_the_features():
    head = SelfPredictionHead(3, seed=2)
    features = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    outputs = keras.ops.convert_to_numpy(head(features))
    kernel, bias = head.get_weights()
    np.testing.assert_allclose(outputs, features @ kernel + bias, atol=1e-6)


def test_kernel_and_bias_start_from_one_over_root_fan_in():
    head = SelfPredictionHead(500, seed=2)
    head.build((None, 16))
    kernel, bias = head.get_weights()
    assert np.abs(kernel).max() <= 0.25 and np.abs(bias).max() <= 0.25
    # Uniform on ±¼: standard deviation ¼/√3, known to 1.4 % from 500 numbers.
    np.testing.assert_allclose([kernel.std(), bias.std()], 0.25 / np.sqrt(3), rtol=0.06)


def test_config_round_trip_gives_the_same_weights():
    head = SelfPredictionHead(3, seed=(2, 9), name="self")
    copy = keras.layers.deserialize(keras.layers.serialize(head))
    for layer in (head, copy):
        layer.build((None, 5))
    for ours, theirs in zip(head.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
