"""Against `estimate_rlct` on the weights of the moment, taken by a second callback."""

import math

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm

# Chains so short are warned about.
pytestmark = pytest.mark.filterwarnings("ignore::keras_selfmodel.rlct.RLCTWarning")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)).astype("float32"), np.arange(40) % 2
QUICK = {"batch_size": 20, "burn_in": 2, "num_draws": 8, "step_size": 1e-4, "seed": 3}


def model() -> keras.Model:
    made = ksm.models.mlp(4, inputs=3, classes=2, seed=1)
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made


class WeightsOfEachEpoch(keras.callbacks.Callback):
    def on_train_begin(self, logs=None) -> None:
        self.found = []

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.found.append(self.model.get_weights())


@pytest.fixture(scope="module")
def trained():
    measured, kept, fitted = ksm.callbacks.RLCT((X, Y), every=2, **QUICK), WeightsOfEachEpoch(), model()
    history = fitted.fit(X, Y, epochs=5, shuffle=False, verbose=0, callbacks=[measured, kept]).history
    return measured, kept.found, history, fitted


def test_every_second_epoch_and_the_last_are_measured(trained):
    measured, _, history, _ = trained
    assert sorted(measured.estimates) == [1, 3, 4]
    assert {math.isnan(history[name][epoch]) for name in ("rlct", "rlct_std_error") for epoch in (0, 2)} == {True}


def test_what_is_not_to_be_used_is_not_logged_and_the_rest_is():
    x = RNG.normal(size=(200, 2))
    line = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    line.compile("sgd", "mse")
    data = x, x @ [1.0, -2.0] + RNG.normal(size=200)
    settings = {"anchor": "descend", "burn_in": 200, "num_draws": 600, "num_chains": 2}
    usable = ksm.callbacks.RLCT(data, **settings)
    history = line.fit(*data, verbose=0, callbacks=[usable]).history
    assert usable.estimates[0].verdict != "not to be used"
    assert history["rlct"] == [usable.estimates[0].value]
    assert history["rlct_std_error"] == [usable.estimates[0].std_error]
    # At weights that are no minimum, and with a γ that lets the chains find one, it is negative.
    lost = ksm.callbacks.RLCT(data, **{**settings, "anchor": "trained", "localization": 1.0})
    line.set_weights([np.full((2, 1), 5.0), np.zeros(1)])
    history = line.fit(*data, verbose=0, callbacks=[lost]).history
    assert lost.estimates[0].verdict == "not to be used"
    assert math.isnan(history["rlct"][0]) and math.isnan(history["rlct_std_error"][0])


def test_an_estimate_is_that_of_the_weights_of_its_epoch(trained):
    measured, weights, _, _ = trained
    for epoch in (1, 4):
        again = model()
        again.set_weights(weights[epoch])
        # At the γ that follows from the weights of the first epoch measured.
        estimate = ksm.estimate_rlct(again, (X, Y), localization=measured.localization, **QUICK)
        # The same program on the same numbers.
        assert measured.estimates[epoch].value == pytest.approx(estimate.value, rel=1e-6)


def test_all_epochs_are_measured_at_one_temperature_and_localization(trained):
    measured, weights, _, _ = trained
    first = model()
    first.set_weights(weights[1])
    usual = ksm.estimate_rlct(first, (X, Y), **QUICK)
    assert len(measured.estimates) > 1
    for estimate in measured.estimates.values():
        assert estimate.localization == measured.localization == usual.localization
        assert estimate.inverse_temperature == measured.inverse_temperature == usual.inverse_temperature


def test_measuring_does_not_change_the_training(trained):
    plain = model()
    plain.fit(X, Y, epochs=5, shuffle=False, verbose=0)
    for ours, theirs in zip(trained[3].get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_settings_are_those_of_estimate_rlct_and_a_second_fit_starts_anew():
    settings = ksm.rlct.SamplingSettings(**QUICK)
    measured, fitted = ksm.callbacks.RLCT((X, Y), settings=settings, weights="logits"), model()
    fitted.fit(X, Y, epochs=3, verbose=0, callbacks=[measured])
    assert sorted(measured.estimates) == [0, 1, 2]
    fitted.fit(X, Y, epochs=1, verbose=0, callbacks=[measured])
    assert sorted(measured.estimates) == [0]
    assert measured.estimates[0].num_parameters == 4 * 2 + 2  # kernel and bias of logits alone
    assert measured.estimates[0].settings.num_draws == 8


def test_data_that_are_none_are_refused_before_the_training():
    with pytest.raises(ValueError, match="needs data as fit takes them"):
        ksm.callbacks.RLCT(None)


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_an_impossible_number_of_epochs_is_named(every):
    with pytest.raises(ValueError, match=f"at least 1. Received: every={every}"):
        ksm.callbacks.RLCT((X, Y), every=every)
