"""Observers against closed forms."""

import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel.experiments import TASKS
from keras_selfmodel.models import mlp
from keras_selfmodel.probes.observers import ObserverProtocol, Question
from keras_selfmodel.probes.observers.linear_observer import LinearObserver
from keras_selfmodel.probes.observers.network_observer import NetworkObserver
from keras_selfmodel.studies import StoredRun
from keras_selfmodel.studies.observers.observed_run import observation
from keras_selfmodel.studies.observers.observing import Observing
from tests.studies.observers.conftest import linear_run

LINEAR = ObserverProtocol(capacities=(0,), samples=60, held_out=60)
QUESTION = Question("inputs", "activations")


def test_the_linear_observer_is_least_squares():
    rng = np.random.default_rng(0)
    x, y, others = rng.normal(size=(30, 5)) + 2, rng.normal(size=(30, 3)), rng.normal(size=(4, 5))
    coefficients = np.linalg.lstsq(np.column_stack([x, np.ones(30)]), y)[0]
    expected = np.column_stack([others, np.ones(4)]) @ coefficients
    np.testing.assert_allclose(LinearObserver(x).predict(y, others), expected, atol=1e-12)


def test_the_linear_observer_ignores_features_that_repeat_or_stand_still():
    rng = np.random.default_rng(0)
    x, y, others = rng.normal(size=(30, 2)), rng.normal(size=(30, 3)), rng.normal(size=(4, 2))
    wide = [np.column_stack([a, a[:, 0], np.full(len(a), 7.0)]) for a in (x, others)]
    np.testing.assert_allclose(
        LinearObserver(wide[0]).predict(y, wide[1]), LinearObserver(x).predict(y, others), atol=1e-12
    )


def _fractions(sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """What a linear map of the sources leaves of each target's variance, by projection."""
    sources, targets = (values - values.mean(axis=0) for values in (sources, targets))
    basis, _ = np.linalg.qr(sources)
    return 1 - ((basis.T @ targets) ** 2).sum(axis=0) / (targets**2).sum(axis=0)


def test_a_linear_network_has_the_error_of_the_projection(dataset, inputs, kernels, network):
    from_inputs, answers, from_logits, _ = Observing(TASKS["mnist"], dataset, LINEAR).observe(network)
    # Exact but for the single precision of the network.
    assert from_inputs.error == pytest.approx(0.0, abs=1e-9)
    assert answers.error == pytest.approx(0.0, abs=1e-9)
    hidden = inputs @ kernels[0][:, :3]
    fractions = _fractions(hidden @ kernels[1][:3], hidden)
    assert 0.1 < fractions.max() < 0.99  # there is something to be left unexplained
    assert from_logits.error == pytest.approx(fractions.mean(), abs=1e-5)
    variances = hidden.var(axis=0)
    assert from_logits.error_of_variance == pytest.approx((fractions * variances).sum() / variances.sum(), abs=1e-5)


def test_units_that_do_not_vary_do_not_count(dataset, network):
    found = Observing(TASKS["mnist"], dataset, LINEAR).observe(network, [QUESTION])[0]
    assert (found.units, found.counted_units) == (4, 3)


def test_probabilities_are_the_softmax_of_the_logits(dataset, inputs, kernels, network):
    found = Observing(TASKS["mnist"], dataset, LINEAR).observe(network, [Question("probabilities", "activations")])[0]
    hidden = inputs @ kernels[0][:, :3]
    scores = (hidden + 0.5) @ kernels[1][:3] + 0.5 * kernels[1][3]
    probabilities = 1 / (1 + np.exp(scores[:, 1] - scores[:, 0]))
    assert found.error == pytest.approx(_fractions(probabilities[:, None], hidden).mean(), abs=1e-5)


def test_a_constant_network_has_no_error(dataset, kernels, tmp_path):
    dead = (np.zeros_like(kernels[0]), kernels[1])
    run = StoredRun(linear_run(tmp_path / "run", dead))
    protocol = ObserverProtocol(capacities=(0, 4), samples=60, held_out=60, epochs=1, batch_size=30)
    observations = list(Observing(TASKS["mnist"], dataset, protocol).observe(run))
    assert {one.capacity for one in observations} == {0, 4}
    for found in observations:
        assert found.error is None and found.error_of_variance is None and found.counted_units == 0


def test_small_activations_gain_nothing(dataset, kernels, network, tmp_path):
    small = StoredRun(linear_run(tmp_path / "run", kernels, scale=1e-3))
    protocol = ObserverProtocol(capacities=(0, 4), samples=60, held_out=60, epochs=2, batch_size=30)
    observing = Observing(TASKS["mnist"], dataset, protocol)
    questions = [QUESTION, Question("logits", "activations")]
    pairs = list(zip(observing.observe(network, questions), observing.observe(small, questions), strict=True))
    assert len(pairs) == 4  # two questions, two capacities
    for one, other in pairs:
        # The standardized targets differ by rounding in single precision.
        assert other.error == pytest.approx(one.error, abs=1e-5)


def test_an_observer_starts_anew_for_every_network():
    rng = np.random.default_rng(0)
    x, y, others = (rng.normal(size=size).astype("float32") for size in ((60, 9), (60, 4), (7, 9)))
    protocol = ObserverProtocol(epochs=2, batch_size=30)
    observer = NetworkObserver(9, 4, 4, protocol)
    observer.predict(x, -y, others)
    fresh = mlp(4, inputs=9, classes=4, seed=0)
    fresh.compile(keras.optimizers.Adam(0.002), loss="mse", **transforms.compile_options(fresh))
    fresh.fit(x, y, batch_size=30, epochs=2, shuffle=False, verbose=0)
    # The same steps of the same program: rounding alone.
    np.testing.assert_allclose(observer.predict(x, y, others), fresh.predict(others, verbose=0), atol=1e-6)


def test_the_mean_predictor_has_error_one():
    targets = np.random.default_rng(0).normal(size=(20, 3)) * [1, 10, 100]
    means, counted = targets.mean(axis=0), np.array([True, True, False])
    settings = {"targets": targets, "means": means, "counted": counted}
    found = observation(QUESTION, 0, predictions=np.tile(means, (20, 1)), **settings)
    assert found.error == found.error_of_variance == 1.0 and found.counted_units == 2
    half = observation(QUESTION, 0, predictions=(targets + means) / 2, **settings)
    assert half.error == pytest.approx(0.25) and half.error_of_variance == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"samples": 61}, "samples must be at most the 60"), ({"held_out": 61}, "held_out must be at most the 60")],
)
def test_more_samples_than_there_are_are_refused(dataset, changes, words):
    with pytest.raises(ValueError, match=words):
        Observing(TASKS["mnist"], dataset, ObserverProtocol(**{"samples": 60, "held_out": 60, **changes}))


@pytest.mark.parametrize(
    "changes", [{"capacities": ()}, {"capacities": (-1,)}, {"epochs": 0}, {"samples": 1}, {"learning_rate": np.nan}]
)
def test_a_protocol_that_cannot_be_is_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        ObserverProtocol(**changes)
