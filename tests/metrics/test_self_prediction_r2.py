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


@pytest.mark.parametrize("scale", [1.0, 300.0, 0.0])
def test_targets_that_do_not_vary_have_no_r2(scale):
    constant = np.full((8, 3), scale, "float32")
    assert np.isnan(measured(constant, constant, 4))
    # Rounding of the mean is no variance, whatever the errors are.
    assert np.isnan(measured(np.full((99, 3), 0.1 * scale, "float32"), np.ones((99, 3), "float32"), 7))


def test_targets_that_all_but_vanish_have_no_r2():
    nearly_dead = np.random.default_rng(0).normal(scale=1e-9, size=(50, 3)).astype("float32")
    assert np.isnan(measured(nearly_dead, np.ones((50, 3), "float32"), 10))  # it was −1e18
    # Small, but well predicted, is another matter.
    assert measured(nearly_dead * 1e3, nearly_dead * 1e3, 10) == 1.0


@pytest.mark.parametrize("broken", ["target", "prediction"])
def test_nan_stays_nan(broken):
    values = {name: np.random.default_rng(0).normal(size=(6, 2)).astype("float32") for name in ("target", "prediction")}
    values[broken][2, 1] = np.nan
    assert np.isnan(measured(values["target"], values["prediction"], 3))


def test_masked_values_do_not_count():
    rng = np.random.default_rng(0)
    target, error = rng.normal(size=(20, 4, 3)) + 2, rng.normal(scale=0.5, size=(20, 4, 3))
    mask = np.arange(4) < rng.integers(0, 5, 20)[:, None]
    mask[:, 3] = False  # a unit that never counts, once the steps are flattened
    real, real_error = target[mask], error[mask]
    stepwise = SelfPredictionR2(3)
    for part in (slice(0, 7), slice(7, 20)):
        padded = np.where(mask[part, :, None], target[part], np.inf).astype("float32")
        stepwise.update_state(padded, (target + error)[part].astype("float32"), mask=mask[part])
    wanted = 1 - np.sum(real_error**2) / np.sum((real - real.mean(axis=0)) ** 2)
    assert float(stepwise.result()) == pytest.approx(wanted, abs=1e-5)

    flat, units = SelfPredictionR2(12), np.repeat(mask, 3, axis=1)
    for part in (slice(0, 7), slice(7, 20)):
        arguments = (a[part].reshape(-1, 12).astype("float32") for a in (target, target + error))
        flat.update_state(*arguments, mask=units[part])
    masked = np.ma.array(target.reshape(20, 12), mask=~units)
    wanted = 1 - np.sum(real_error**2) / np.sum((masked - masked.mean(axis=0)) ** 2)
    assert float(flat.result()) == pytest.approx(wanted, abs=1e-5)


def test_reset_forgets_everything():
    metric = SelfPredictionR2(2)
    metric.update_state(np.eye(2, dtype="float32"), np.zeros((2, 2), "float32"))
    metric.reset_state()
    metric.update_state(np.eye(2, dtype="float32"), np.eye(2, dtype="float32"))
    assert float(metric.result()) == 1.0


def test_config_round_trip():
    copy = keras.metrics.deserialize(keras.metrics.serialize(SelfPredictionR2(3)))
    assert (copy.units, copy.name) == (3, "self_prediction_r2")
