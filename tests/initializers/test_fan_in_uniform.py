import keras
import numpy as np
import pytest

from keras_selfmodel.initializers import FanInUniform


def numbers(initializer, shape):
    return keras.ops.convert_to_numpy(initializer(shape))


@pytest.mark.parametrize(("shape", "fan_in"), [((50, 200), 50), ((3, 3, 8, 100), 72)])
def test_kernel_is_uniform_on_one_over_root_fan_in(shape, fan_in):
    values = numbers(FanInUniform(seed=1), shape)
    bound = 1 / np.sqrt(fan_in)
    assert np.abs(values).max() <= bound
    # A uniform variable on ±b has standard deviation b/√3; 7,200 or more draws know it to 0.5 %.
    assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)


def test_numbers_are_numpys_so_that_backends_agree():
    wanted = np.random.default_rng([4, 1]).uniform(-0.5, 0.5, size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(numbers(FanInUniform(seed=(4, 1)), (4, 3)), wanted)


def test_bias_needs_its_fan_in():
    assert np.abs(numbers(FanInUniform(seed=1, fan_in=4), (9,))).max() <= 0.5
    with pytest.raises(ValueError, match=r"pass fan_in.*shape=\(9,\)"):
        FanInUniform(seed=1)((9,))
    with pytest.raises(ValueError, match="fan_in=0"):
        FanInUniform(fan_in=0)


def test_without_a_seed_keras_decides():
    keras.utils.set_random_seed(5)
    first = numbers(FanInUniform(), (4, 3))
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(first, numbers(FanInUniform(), (4, 3)))
    assert not np.array_equal(first, numbers(FanInUniform(), (4, 3)))


def test_config_round_trip():
    initializer = FanInUniform(seed=(4, 1), fan_in=7)
    copy = keras.initializers.deserialize(keras.initializers.serialize(initializer))
    np.testing.assert_array_equal(numbers(copy, (9,)), numbers(initializer, (9,)))
