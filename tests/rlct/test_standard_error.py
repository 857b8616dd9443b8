"""Standard errors of correlated draws whose law is known."""

import numpy as np
import pytest

from keras_selfmodel.rlct.standard_error import autocorrelation_time, error_of_references, sampling_error


def autoregressive(memory, shape, seed):
    """Stationary draws of variance 1 with correlation `memory` from one to the next."""
    rng = np.random.default_rng(seed)
    found = [rng.normal(size=shape[0])]
    for _ in range(shape[1] - 1):
        found.append(memory * found[-1] + np.sqrt(1 - memory**2) * rng.normal(size=shape[0]))
    return np.stack(found, axis=1)


@pytest.mark.parametrize("memory", [0.0, 0.9])
@pytest.mark.parametrize("chains", [2, 8])
def test_the_error_is_that_of_the_mean_of_an_autoregressive_chain(memory, chains):
    time, steps = (1 + memory) / (1 - memory), 4000
    exact = np.sqrt(time / (chains * steps))
    found = [sampling_error(autoregressive(memory, (chains, steps), seed)) for seed in range(40)]
    # 20 stretches know it to 16 %, 40 times to 3 %; Student's t of 19 adds 7 %, stretches of four memories lose some.
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(1.05 * exact, rel=0.12)
    assert autocorrelation_time(autoregressive(memory, (chains, 20_000), 1)) == pytest.approx(time, rel=0.3)


def test_what_hardly_moves_counts_as_often_as_there_are_chains():
    rng = np.random.default_rng(1)
    errors, means = [], []
    for _ in range(60):
        slow = rng.normal(size=(8, 1)) + 0.01 * rng.normal(size=(8, 500))
        draws = 0.5 * slow + rng.normal(size=(8, 500))
        errors.append(sampling_error(draws, slow))
        means.append(draws.mean())
    # 0.5/√8 of the part that stays, and 1/√4000: 0.177; the spread of 60 means knows it to 9 %, Student's t adds some.
    assert np.std(means) == pytest.approx(0.177, rel=0.3)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(0.177, rel=0.2)


def test_the_error_of_references_is_their_spread_over_orders_of_the_batches():
    losses = np.random.default_rng(2).normal(size=30)
    drawn, first = np.arange(10, 70) % 30, np.array([0, 1, 2, 3])
    found = error_of_references(losses, drawn, first)
    rng, differences = np.random.default_rng(3), []
    for _ in range(4000):
        order = rng.permutation(losses)
        differences.append(order[drawn].mean() - order[first].mean())
    assert found == pytest.approx(np.std(differences), rel=0.05)
    # All batches drawn and all of them the reference: nothing is left to chance.
    assert error_of_references(losses, np.arange(30), np.arange(30)) == 0.0
