"""How the chains find their step size and friction."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_selfmodel.rlct import chains
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.curvature import Curvature
from keras_selfmodel.rlct.data import Samples
from keras_selfmodel.rlct.network_loss import energy
from keras_selfmodel.rlct.stepwise import Trace
from tests.rlct.quiet import quietly
from tests.rlct.regression import half_squared_error


@pytest.fixture
def line():
    """A linear regression in five dimensions with unit noise, at zero weights."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(300, 5)) * np.array([1, 2, 3, 0.5, 0.1])).astype("float32")
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    return model, x, rng.normal(size=(300, 1)).astype("float32")


def test_largest_curvature_is_that_of_the_hessian(line):
    model, x, y = line
    curvature = Curvature(energy(model, half_squared_error, Samples(x, y), training=False), 300, seed=1)
    # The whole data as a batch: ∇²L = XᵀX/n. 30 iterations at a ratio of eigenvalues near 1/2; float32 differences.
    found = curvature([ops.zeros((2, 5, 1))], [], 30)
    assert found == pytest.approx(np.linalg.eigvalsh(x.T.astype(float) @ x / 300)[-1], rel=1e-3)
    assert curvature.evaluations == 2 * 30 * 2


def test_all_curvatures_at_the_weights_are_those_of_the_hessian(line):
    model, x, y = line
    here = energy(model, half_squared_error, Samples(x, y), training=False)
    exact = np.linalg.eigvalsh(x.T.astype(float) @ x / 300)
    # The whole data as a batch, two directions at a time of five; float32 differences.
    np.testing.assert_allclose(Curvature(here, 300, seed=1).spectrum(2), exact, rtol=1e-3)
    # 32 batches of 30 of the 300: three standard errors of some curvatures that are known to 5 or 10 % by them.
    np.testing.assert_allclose(Curvature(here, 30, seed=1).spectrum(8), exact, rtol=0.3)


@pytest.mark.long_chains
def test_steps_that_throw_the_chains_out_are_taken_back(line, monkeypatch):
    monkeypatch.setattr(chains.Curvature, "__call__", lambda self, *_: 1e-4)  # the true one is 9
    model, x, y = line
    estimate = quietly(model, (x, y), loss=half_squared_error, batch_size=100, burn_in=400, num_draws=100, seed=1)
    assert np.isfinite(estimate.losses).all()
    assert estimate.step_size < 4 / (estimate.inverse_temperature * 9)  # the limit of stability
    assert estimate.gradient_evaluations > 2 * 500


def test_steps_whose_last_ones_throw_a_chain_out_are_taken_back(line):
    model, x, y = line
    settings = SamplingSettings(batch_size=100, burn_in=400, num_chains=2).resolved(300, 5, 1.0)
    moving = chains.Chains(energy(model, half_squared_error, Samples(x, y), training=False), settings, range(2))
    steps = moving.advancing(np.zeros((50, 2, 100), np.int32), np.zeros((2, 50)))
    next(steps)
    rest, start = np.zeros((2, 50)), moving.step_size
    flown = rest.copy()
    # 20 weights' worth each, 1.2 in the mean of all steps and 12 in that of the last five; a regular model has 0.5.
    flown[1, -3:] = 20 * 5 / moving.inverse_temperature
    again = steps.send(Trace(flown, rest, rest + 1, rest, rest))
    assert again.chains is moving and moving.step_size == pytest.approx(start / 4)
    with pytest.raises(StopIteration):
        steps.send(Trace(rest, rest, rest + 1, rest, rest))
    assert moving.done == 50


def test_a_step_size_that_is_given_stays(line):
    model, x, y = line
    estimate = quietly(
        model, (x, y), loss=half_squared_error, step_size=1e-4, batch_size=100, burn_in=400, num_draws=100, seed=1
    )
    np.testing.assert_array_equal(estimate.step_sizes, 1e-4)
    # The gradient at w* takes three batches, the curvature along it two more.
    assert estimate.gradient_evaluations == 8 * 500 + 5 + 2 * 5 * 32  # the last for the curvatures at w*


@pytest.mark.long_chains
def test_a_step_size_that_is_free_brings_mala_to_its_best_acceptance(line):
    model, x, y = line
    estimate = quietly(
        model, (x, y), loss=half_squared_error, sampler="mala", batch_size=300, num_chains=4, burn_in=1000,
        num_draws=300, seed=1,
    )  # fmt: skip
    # Of many dimensions (Roberts & Rosenthal 1998). The last calls' means of 200 acceptances of deviation 0.3 decide.
    assert estimate.acceptance_rate == pytest.approx(0.574, abs=0.08)
    assert (estimate.step_sizes[:, 1000:] == estimate.step_size).all()
    assert (estimate.step_sizes[:, 0] != estimate.step_size).all()


@pytest.mark.long_chains
def test_friction_rises_until_the_batches_heat_little(line):
    model, x, y = line
    estimate = quietly(model, (x, y), loss=half_squared_error, batch_size=8, burn_in=2000, num_draws=1500, seed=1)
    # E[nβ(L − L*)] of the Gaussian posterior, w* = 0 lying a little beside the minimum.
    hessian, nbeta = x.T.astype(float) @ x / 300, 300 / math.log(300)
    posterior = nbeta * hessian + np.eye(5)
    slope = nbeta * x.T.astype(float) @ y / 300
    mean = np.linalg.solve(posterior, slope)
    exact = 0.5 * nbeta * np.trace(np.linalg.solve(posterior, hessian))
    exact += (0.5 * nbeta * mean.T @ hessian @ mean - slope.T @ mean).item()
    # Batches of 8 with unit noise and nβ = 53: at the least friction the heat would be many times the RLCT.
    assert 0 < estimate.heat_correction < exact
    assert estimate.value == pytest.approx(exact, abs=4 * estimate.std_error)


def test_a_network_without_curvature_is_sampled_by_its_localization(line):
    model, x, y = line
    estimate = quietly(model, (0 * x, y), loss=half_squared_error, batch_size=100, burn_in=50, num_draws=1000, seed=1)
    # The loss stays where it is; the heat fluctuates about 0 by the momenta's energy over 1000 steps' dissipation.
    assert estimate.paired_value == pytest.approx(0.0, abs=1e-6)
    assert estimate.value == pytest.approx(0.0, abs=0.1)
    assert estimate.step_size == pytest.approx(0.56 / estimate.localization)


def test_weights_that_are_not_finite_are_refused(line):
    model, x, y = line
    model.set_weights([np.full((5, 1), np.nan)])
    with pytest.raises(ValueError, match=r"loss at w\* must be finite\..*diverged.*Received: a mean loss of nan"):
        quietly(model, (x, y), loss=half_squared_error, batch_size=100)


def test_without_curvature_and_localization_a_step_size_is_needed(line):
    model, x, y = line
    with pytest.raises(ValueError, match="does not depend on the weights.*step_size"):
        quietly(model, (0 * x, y), loss=half_squared_error, batch_size=100, localization=0.0)
