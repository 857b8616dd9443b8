"""Sampling that goes on until an error asked for is reached."""

import math

import numpy as np
import pytest

from tests.rlct.identical import assert_identical
from tests.rlct.quiet import quietly
from tests.rlct.regression import half_squared_error, regression


def error_by_stretches(values):
    """The standard error of a mean from those of ten stretches of each chain."""
    means = np.array([[part.mean() for part in np.array_split(chain, 10)] for chain in values])
    return means.std(ddof=1) / math.sqrt(means.size)


MODEST = {
    "loss": half_squared_error,
    "batch_size": 100,
    "burn_in": 200,
    "localization": 1.0,
    "seed": 1,
    "num_chains": 2,
}


@pytest.mark.parametrize("chains_at_once", [None, 1])
def test_sampling_ends_when_it_is_reached(chains_at_once):
    model, data, hessian = regression(400, 12)
    nbeta = 400 / math.log(400)
    estimate = quietly(model, data, target_error=0.04, chains_at_once=chains_at_once, **MODEST)
    draws = estimate.losses.shape[1] - 200
    assert estimate.settings.num_draws == 16_000
    assert estimate.losses.shape == (2, 200 + draws) and 200 <= draws < 8000
    values = estimate.inverse_temperature * (estimate.losses - estimate.reference_losses) - 0.5 * estimate.heat
    if chains_at_once is None:
        assert estimate.sampling_error <= 0.04 * estimate.value
        # Ten stretches of each chain say so too, but for their own error of 1/√40 and the few draws more.
        assert 0.02 * estimate.value < error_by_stretches(values[:, 200:]) < 0.06 * estimate.value
    else:
        # The first of the two chains decides by its own error, √2 times that of both.
        assert error_by_stretches(values[:1, 200:]) <= 0.06 * 2**0.5 * values[0, 200:].mean()
    # Stopping at the first small error favors errors estimated too low: 5 of them.
    exact = np.sum(0.5 * nbeta * hessian / (nbeta * hessian + 1))
    assert estimate.value == pytest.approx(exact, rel=5 * 0.04)


def test_that_is_not_reached_is_warned_of():
    model, data, _ = regression(400, 12)
    estimate = quietly(model, data, target_error=1e-3, num_draws=250, **MODEST)
    assert estimate.draws.shape == (2, 250)
    assert "after the maximum number of draws, 250 per chain: above the 0.1% asked for" in " ".join(estimate.warnings)


def test_a_smaller_one_goes_on_from_the_checkpoint(tmp_path):
    model, data, _ = regression(400, 12)
    given = {"checkpoint": tmp_path / "sampling", **MODEST}
    coarse = quietly(model, data, target_error=0.08, **given)
    fine = quietly(model, data, target_error=0.04, **given)
    steps = coarse.losses.shape[1]
    assert steps < fine.losses.shape[1]
    np.testing.assert_array_equal(fine.losses[:, :steps], coarse.losses)
    assert_identical(fine, quietly(model, data, target_error=0.04, **MODEST))
