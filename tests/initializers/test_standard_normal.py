import keras
import numpy as np

from keras_selfmodel.initializers import StandardNormal


def test_numbers_are_those_of_numpy_on_every_backend():
    drawn = keras.ops.convert_to_numpy(StandardNormal((3, 1))((4, 5)))
    expected = np.random.default_rng((3, 1)).standard_normal((4, 5), dtype=np.float32)
    np.testing.assert_array_equal(drawn, expected)


def test_without_a_seed_each_draws_its_own():
    one, other = (keras.ops.convert_to_numpy(StandardNormal()((50,))) for _ in range(2))
    assert not np.array_equal(one, other)


def test_it_comes_back_from_its_config():
    again = keras.initializers.deserialize(keras.initializers.serialize(StandardNormal((3, 1))))
    assert again.get_config() == {"seed": [3, 1]}
