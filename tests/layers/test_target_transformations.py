import keras
import numpy as np
import pytest

from keras_selfmodel.layers import DeepSelfPredictionHead, MeanAndRange, RandomSubset, Signs

ACTIVATIONS = np.random.default_rng(0).normal(size=(4, 12)).astype("float32")


def _of(layer) -> np.ndarray:
    return keras.ops.convert_to_numpy(layer(ACTIVATIONS))


def test_a_subset_is_that_of_numpys_generator_in_the_order_of_the_units():
    chosen = np.sort(np.random.default_rng([3, 1]).choice(12, 3, replace=False))
    np.testing.assert_array_equal(_of(RandomSubset(0.25, seed=(3, 1))), ACTIVATIONS[:, chosen])


def test_a_tiny_part_is_one_unit_and_the_whole_is_all():
    assert _of(RandomSubset(0.001, seed=1)).shape == (4, 1)
    np.testing.assert_array_equal(_of(RandomSubset(1.0, seed=1)), ACTIVATIONS)


@pytest.mark.parametrize("fraction", [0.0, 1.1, float("nan")])
def test_a_part_that_is_none_is_refused(fraction):
    with pytest.raises(ValueError, match="fraction must be a number in 0 < fraction ≤ 1"):
        RandomSubset(fraction)


def test_signs_mean_and_range_are_numpys():
    np.testing.assert_array_equal(_of(Signs()), np.sign(ACTIVATIONS))
    wanted = np.stack([ACTIVATIONS.mean(axis=1), np.ptp(ACTIVATIONS, axis=1)], axis=1)
    np.testing.assert_allclose(_of(MeanAndRange()), wanted, atol=1e-6)


@pytest.mark.parametrize("layer", [RandomSubset(0.5), Signs(), MeanAndRange(), DeepSelfPredictionHead(3, seed=(1, 2))])
def test_a_copy_by_configuration_does_the_same(layer):
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    np.testing.assert_array_equal(_of(copy), _of(layer))
    assert layer.compute_output_shape((None, 12)) == (None, _of(layer).shape[1])


def test_a_deep_head_is_two_dense_layers():
    head = DeepSelfPredictionHead(3, hidden_units=5, seed=1)
    outputs = _of(head)
    (w1, b1), (w2, b2) = head.hidden.get_weights(), head.linear.get_weights()
    assert w1.shape == (12, 5) and not np.array_equal(w1[:3, :3], w2[:3, :3])
    np.testing.assert_allclose(outputs, np.maximum(ACTIVATIONS @ w1 + b1, 0) @ w2 + b2, atol=1e-6)
