"""Losses whose gradient is 0 at w*: those of exact minima and plateaus have one elsewhere, others are refused."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_selfmodel as ksm

FEW = {"num_chains": 2, "num_draws": 5, "burn_in": 5, "batch_size": 8, "verbose": 0}


def estimated(model, data, loss, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        return ksm.estimate_rlct(model, data, loss=loss, seed=seed, **FEW)


def unit(activation, kernel):
    model = keras.Sequential(
        [keras.Input((len(kernel),)), layers.Dense(1, activation=activation, use_bias=False)], name="unit"
    )
    model.set_weights([kernel])
    return model


@pytest.mark.parametrize("seed", range(6))
def test_an_exactly_fitted_unit_that_dies_nearby_is_measured(seed):
    # Moved by as much as the weight is large, the unit is dead for one direction in six.
    x = np.random.default_rng(seed).uniform(0.5, 1, size=(64, 1)).astype("float32")
    assert np.isfinite(estimated(unit("relu", np.array([[2.0]])), (x, 2 * x), "mse", seed).value)


@pytest.mark.parametrize(("activation", "loss"), [("sigmoid", "binary_crossentropy"), ("hard_sigmoid", "mse")])
def test_saturated_outputs_are_measured(activation, loss):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, size=(64, 64)).astype("float32")
    kernel = 3 * rng.normal(size=(64, 1))
    labels = (x @ kernel > 0).astype("float32")
    for seed in range(3):
        # It is not refused; what such weights have is no minimum to trust.
        assert estimated(unit(activation, kernel), (x, labels), loss, seed).initial_loss < 1e-6


@pytest.mark.parametrize("samples", [8, 48])
@pytest.mark.parametrize("seed", range(3))
def test_a_count_of_mistakes_is_refused(samples, seed):
    # Counts of few samples are often equal at two places.
    x = np.random.default_rng(samples).normal(size=(samples, 4)).astype("float32")
    model = ksm.models.mlp(6, inputs=4, classes=3, seed=1)

    def mistakes(y_true, y_pred):
        numbers = (ops.cast(one, "int32") for one in (ops.argmax(y_pred, axis=-1), y_true))
        return ops.cast(ops.not_equal(*numbers), "float32")

    with pytest.raises(ValueError, match="its gradient is 0, also where it changes"):
        estimated(model, (x, np.arange(samples) % 3), mistakes, seed)
