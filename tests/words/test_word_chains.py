"""Chains that touch the words of a batch alone, against chains that touch all, and against closed forms."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.datasets import padded
from keras_selfmodel.models import text_classifier
from keras_selfmodel.rlct import SamplingSettings
from keras_selfmodel.rlct.batches import batch_indices, paper_batches
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.problem import Problem
from keras_selfmodel.rlct.progress_bar import Reports
from keras_selfmodel.rlct.standard_error import sampling_error
from keras_selfmodel.words import WordChains

WORDS, UNITS, TEXTS = 60, 7, 22
STEP_SIZE, LOCALIZATION = 0.02, 15.0
SETTINGS = SamplingSettings(
    convention="paper",
    step_size=STEP_SIZE,
    localization=LOCALIZATION,
    num_chains=3,
    num_draws=6,
    burn_in=6,
    batch_size=8,
    seed=5,
).resolved(TEXTS, 1, 1.0)


@pytest.fixture(scope="module")
def problem() -> Problem:
    """22 texts of up to 9 of 60 words, in batches of 8, 8 and 6; the last word never occurs."""
    rng = np.random.default_rng(1)
    texts = [rng.integers(0, WORDS - 1, length) for length in rng.integers(1, 10, TEXTS)]
    model = text_classifier(WORDS, embedding=UNITS, hidden=5, seed=2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return Problem.of(model, (padded(texts), rng.integers(0, 2, TEXTS)), loss, training=True)


def advanced(kind, problem: Problem, settings: SamplingSettings, steps: int):
    """Chains after some steps, and their traces joined, `(chains, steps)`."""
    chains, traces = kind(problem.energy, settings, range(settings.num_chains)), []
    while chains.done < steps:
        indices = batch_indices(settings, TEXTS, chains.done)[: steps - chains.done]
        traces.append(chains.advance(indices, np.zeros((settings.num_chains, len(indices)))))
    return chains, np.concatenate([np.stack(trace) for trace in traces], axis=2)


def test_without_noise_they_are_the_chains_that_touch_all(problem, monkeypatch):
    # Then a step is what it is deterministically, and differs by rounding alone.
    monkeypatch.setattr(transforms, "normals", lambda key, arrays: (key, [ops.zeros_like(a) for a in arrays]))
    here = dataclasses.replace(problem, energy=dataclasses.replace(problem.energy, programs={}))
    few, trace = advanced(WordChains, here, SETTINGS, 9)
    all_, wanted = advanced(Chains, here, SETTINGS, 9)
    for ours, theirs in zip(few._draw(), all_._draw(), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs), atol=2e-6)
    np.testing.assert_allclose(trace[0], wanted[0], rtol=1e-5)
    np.testing.assert_allclose(trace[1], wanted[1], rtol=1e-4, atol=1e-4 * np.abs(wanted[1]).max())
    np.testing.assert_array_equal(trace[2], wanted[2])


@pytest.mark.long_chains
@pytest.mark.parametrize("localization", [LOCALIZATION, 0.0])
def test_without_a_loss_rows_have_the_variance_of_their_chain(problem, localization):
    settings = dataclasses.replace(SETTINGS, localization=localization, inverse_temperature=1e-9)
    steps = 10
    chains, _ = advanced(WordChains, problem, settings, steps)
    # w' = a w + √ε z from w*: the variance after k steps, summed, without a closed form.
    a = 1 - 0.5 * STEP_SIZE * localization
    variances = [STEP_SIZE * sum(a ** (2 * i) for i in range(k)) for k in range(steps + 1)]
    away = ops.convert_to_numpy(chains._draw()[0]) - ops.convert_to_numpy(problem.energy.anchor[0])
    of_rows = np.square(away).mean(axis=(0, 2))
    seen = np.unique(np.concatenate(problem.energy.shortcut.texts))
    never = np.setdiff1d(np.arange(WORDS), seen)
    for rows in (seen, never):
        numbers = 3 * len(rows) * UNITS  # of independent squares, whose standard error is √(2/numbers)
        assert of_rows[rows].mean() == pytest.approx(variances[steps], rel=5 * (2 / numbers) ** 0.5)


@pytest.mark.long_chains
def test_an_estimate_is_that_of_chains_that_touch_all(problem, monkeypatch):
    settings = dataclasses.replace(SETTINGS, num_draws=400, burn_in=100, num_chains=4)
    few = problem.estimate(settings)
    monkeypatch.setattr(WordChains, "fit", staticmethod(lambda *_: False))
    many = problem.estimate(settings)
    # Independent chains of one distribution; the localization keeps their draws from being much correlated.
    assert few.value == pytest.approx(many.value, abs=5 * np.hypot(few.std_error, many.std_error))
    assert few.distance == pytest.approx(many.distance, rel=0.05)
    errors = [sampling_error(0.5 * estimate.heat[:, settings.burn_in :]) for estimate in (few, many)]
    assert few.heat_correction == pytest.approx(many.heat_correction, abs=5 * np.hypot(*errors))


def test_they_go_on_where_they_were_stored(problem, tmp_path):
    whole = problem.estimate(SETTINGS)

    def stop(done, _):
        if done >= 6:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("keras_selfmodel.rlct.sampling.SECONDS_BETWEEN_WRITES", -1.0)
        problem.estimate(SETTINGS, checkpoint=tmp_path / "sampling.npz", reports=Reports(progress=stop))
    resumed = problem.estimate(SETTINGS, checkpoint=tmp_path / "sampling.npz")
    np.testing.assert_array_equal(resumed.losses, whole.losses)
    assert resumed.distances == pytest.approx(whole.distances)


@pytest.mark.any_backend
def test_what_chains_of_the_other_kind_stored_is_refused(problem, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(WordChains, "fit", lambda *_: False)
        problem.estimate(SETTINGS, checkpoint=tmp_path / "sampling.npz")
    with pytest.raises(ValueError, match="different sampling: its chains differ. Remove it"):
        problem.estimate(SETTINGS, checkpoint=tmp_path / "sampling.npz")


@pytest.mark.parametrize(
    "changes", [{"convention": "dataset", "sampler": "sgld"}, {"step_size": 0.2, "localization": 10.0}]
)
def test_other_settings_touch_all(problem, changes):
    assert WordChains.fit(problem.energy, SETTINGS)
    assert not WordChains.fit(problem.energy, dataclasses.replace(SETTINGS, **changes))


def test_networks_that_read_no_words_touch_all():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    problem = Problem.of(model, (np.zeros((9, 3)), np.zeros(9, int)), loss, training=True)
    assert problem.energy.shortcut is None


def test_losses_and_gradient_by_words_are_those_of_all(problem):
    dense = dataclasses.replace(problem.energy, shortcut=None)
    for batches in (paper_batches(TEXTS, 8), [np.array([21, 3, 4], np.int32)]):
        for ours, theirs in zip(problem.energy.losses(batches), dense.losses(batches), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)
        for ours, theirs in zip(problem.energy.gradient(batches), dense.gradient(batches), strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs), atol=1e-6)
