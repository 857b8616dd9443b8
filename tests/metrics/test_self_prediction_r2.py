import keras
import numpy as np
import pytest

from keras_selfmodel.metrics import SelfPredictionR2


def measured(target, prediction, batch):
    metric = SelfPredictionR2(target.shape[1])
    for start in range(0, len(target), batch):
        metric.update_state(target[start : start + batch], prediction[start : start + batch])
    return float(metric.result())


@pytest.mark.parametrize("batch", [7, 100])
def test_equals_the_definition_however_the_samples_are_batched(batch):
    rng = np.random.default_rng(0)
    # A mean of 300 with a spread of 1 is where a difference of sums of squares would lose all float32 digits.
    target = (rng.normal(size=(100, 4)) + 300).astype("float32")
    prediction = target + rng.normal(scale=0.5, size=(100, 4)).astype("float32")
    exact = target.astype(float)
    wanted = 1 - np.sum((prediction - exact) ** 2) / np.sum((exact - exact.mean(axis=0)) ** 2)
    assert measured(target, prediction, batch) == pytest.approx(wanted, abs=1e-4)


def test_dead_units_do_not_count():
    rng = np.random.default_rng(0)
    target = np.hstack([rng.normal(size=(50, 2)), np.zeros((50, 2))]).astype("float32")
    assert measured(target, target, 10) == 1.0
    assert measured(target, np.broadcast_to(target.mean(axis=0), target.shape), 10) == pytest.approx(0.0, abs=1e-5)


def test_constant_targets_give_zero():
    assert measured(np.ones((8, 3), "float32"), np.ones((8, 3), "float32"), 4) == 0.0


def test_reset_forgets_everything():
    metric = SelfPredictionR2(2)
    metric.update_state(np.eye(2, dtype="float32"), np.zeros((2, 2), "float32"))
    metric.reset_state()
    metric.update_state(np.eye(2, dtype="float32"), np.eye(2, dtype="float32"))
    assert float(metric.result()) == 1.0


def test_config_round_trip():
    copy = keras.metrics.deserialize(keras.metrics.serialize(SelfPredictionR2(3)))
    assert (copy.units, copy.name) == (3, "self_prediction_r2")
