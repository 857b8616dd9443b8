"""From weights beside the minimum down to it."""

import dataclasses
import math
import re

import keras
import numpy as np
import pytest
from keras import ops

from keras_selfmodel.models import mlp
from keras_selfmodel.rlct import SamplingSettings, problem
from keras_selfmodel.rlct.data import Samples
from keras_selfmodel.rlct.descent import descend
from keras_selfmodel.rlct.network_loss import energy
from tests.rlct.quiet import quietly
from tests.rlct.regression import half_squared_error, linear_network, regression

N, D, NBETA = 400, 12, 400 / math.log(400)


@dataclasses.dataclass
class Ridge:
    """Linear regression from weights beside its minimum, in NumPy's double precision.

    Attributes:
        model: At `start`.
        data: x and y.
        hessian: H of L.
        minimum: The least-squares solution.
        start: Weights a step away from it.
    """

    model: object
    data: tuple
    hessian: np.ndarray
    minimum: np.ndarray
    start: np.ndarray

    @classmethod
    def beside_the_minimum(cls, distance: float) -> "Ridge":
        model, (x, y), _ = regression(N, D)
        x, y = x.astype(float), y.astype(float)
        minimum = np.linalg.lstsq(x, y, rcond=None)[0]
        away = np.random.default_rng(8).normal(size=(D, 1))
        model.set_weights([minimum + distance * away / np.linalg.norm(away)])
        start = model.get_weights()[0].astype(float)
        return cls(model, (x.astype("float32"), y.astype("float32")), x.T @ x / N, minimum, start)

    def excess(self, weights) -> float:
        """nβ times the loss above its minimum."""
        away = weights - self.minimum
        return NBETA * 0.5 * (away.T @ self.hessian @ away).item()

    def mode(self, localization: float) -> np.ndarray:
        """The minimum of nβ L(w) + γ/2 |w − start|²."""
        whole = NBETA * self.hessian + localization * np.eye(D)
        return np.linalg.solve(whole, NBETA * self.hessian @ self.minimum + localization * self.start)

    def loss(self, weights) -> float:
        x, y = self.data
        return 0.5 * float(np.mean((y.astype(float) - x.astype(float) @ weights) ** 2))


@pytest.mark.parametrize("localization", [1.0, 30.0])
def test_the_mode_nearby_is_found(localization):
    ridge = Ridge.beside_the_minimum(1.0)
    settings = SamplingSettings(batch_size=N, localization=localization).resolved(N, 1, 1.0)
    found, descent, evaluations = descend(
        energy(ridge.model, half_squared_error, Samples(*ridge.data), training=False), settings, 600
    )
    mode = ridge.mode(localization)
    assert np.linalg.norm(mode - ridge.start) > 0.3  # a way to go
    # The least curvature is a tenth of the largest, so that 600 steps leave nothing but float32: 1e-7 of weights near
    # 1 in gradients near 1e-1, divided by curvatures near 0.2.
    np.testing.assert_allclose(ops.convert_to_numpy(found.anchor[0]), mode, atol=1e-5)
    assert descent.trained_loss == pytest.approx(ridge.loss(ridge.start), rel=1e-5)
    assert descent.loss == pytest.approx(ridge.loss(mode), rel=1e-5)
    assert descent.distance == pytest.approx(np.linalg.norm(mode - ridge.start), rel=1e-4)
    assert descent.steps == 600
    # Twelve calls, of which the first begins with 20 power iterations, the others with 4, of two gradients each.
    assert evaluations == 600 + 2 * (20 + 11 * 4)


def test_batches_lead_there_too():
    ridge = Ridge.beside_the_minimum(1.0)
    settings = SamplingSettings(batch_size=50, localization=1.0).resolved(N, 1, 1.0)
    found, _, _ = descend(energy(ridge.model, half_squared_error, Samples(*ridge.data), training=False), settings, 2000)
    assert ridge.excess(ridge.start) > 15
    # The last steps, of rate η, leave ½nβh·ησ²/(2B) in a direction of curvature h: the sooner forgotten the larger ηh,
    # at most 0.023 by a falling rate over 2000 steps with B = 50. Twelve of these, and chance.
    assert ridge.excess(ops.convert_to_numpy(found.anchor[0])) - ridge.excess(ridge.mode(1.0)) < 0.3


def test_a_loss_below_zero_has_its_minimum_where_it_is():
    # Likelihoods of narrow densities: the same loss, less 5.
    ridge = Ridge.beside_the_minimum(1.0)
    settings = SamplingSettings(batch_size=N, localization=1.0).resolved(N, 1, 1.0)
    shifted = energy(ridge.model, lambda y, p: half_squared_error(y, p) - 5.0, Samples(*ridge.data), training=False)
    found, descent, _ = descend(shifted, settings, 600)
    assert descent.trained_loss < 0
    # Losses near -4 in float32: as above otherwise.
    np.testing.assert_allclose(ops.convert_to_numpy(found.anchor[0]), ridge.mode(1.0), atol=1e-4)


def test_at_the_minimum_it_stays_there():
    ridge = Ridge.beside_the_minimum(0.0)
    settings = SamplingSettings(batch_size=N, localization=1.0).resolved(N, 1, 1.0)
    trained = energy(ridge.model, half_squared_error, Samples(*ridge.data), training=False)
    found, descent, _ = descend(trained, settings, 600)
    if descent.steps == 0:
        assert found is trained and descent.distance == 0 and descent.loss == descent.trained_loss
    else:  # a lower loss by rounding
        assert descent.distance < 1e-4
        assert descent.loss < descent.trained_loss


def test_a_saddle_is_left_downwards():
    # L = ½(w₁w₂ − 1)² from just beside its saddle at 0. Down the diagonal w₁ = w₂ = w, nβL + γ/2·|w|² is least where
    # w² = 1 − γ/nβ; the pull towards 0.001 instead of 0 moves that by γ·0.001/(2nβ) = 2e-5.
    model = linear_network([1, 1, 1], [np.full((1, 1), 1e-3), np.full((1, 1), 1e-3)])
    ones = np.ones((100, 1), "float32")
    settings = SamplingSettings(batch_size=100, localization=1.0).resolved(len(ones), 1, 1.0)
    found, descent, _ = descend(energy(model, half_squared_error, Samples(ones, ones), training=False), settings, 1000)
    expected = math.sqrt(1 - math.log(100) / 100)
    for weight in found.anchor:
        assert ops.convert_to_numpy(weight).item() == pytest.approx(expected, abs=1e-4)
    assert descent.distance == pytest.approx(math.sqrt(2) * (expected - 1e-3), abs=2e-4)


class TestEstimate:
    SETTINGS = {"loss": half_squared_error, "batch_size": N, "burn_in": 600, "num_draws": 1500, "localization": 1.0}

    @pytest.mark.long_chains
    def test_after_descent_is_that_at_the_mode(self):
        ridge = Ridge.beside_the_minimum(1.0)
        estimate = quietly(ridge.model, ridge.data, anchor="descend", num_chains=4, seed=1, **self.SETTINGS)
        mode = ridge.mode(1.0)
        np.testing.assert_array_equal(ridge.model.get_weights()[0], ridge.start.astype("float32"))
        assert estimate.descent.steps == 600
        assert estimate.initial_loss == pytest.approx(ridge.loss(mode), rel=1e-5)
        assert estimate.anchor_norm == pytest.approx(np.linalg.norm(mode), rel=1e-4)
        # The chains are tied to the mode, around which the loss is not quite flat: γ tied the mode to the start.
        posterior = NBETA * ridge.hessian + np.eye(D)
        mean = np.linalg.solve(posterior, NBETA * ridge.hessian @ ridge.minimum + mode)
        exact = 0.5 * NBETA * np.trace(np.linalg.solve(posterior, ridge.hessian))
        exact += ridge.excess(mean) - ridge.excess(mode)
        assert exact == pytest.approx(D / 2, abs=0.2)
        # 6000 draws of deviation √6 that are remembered for some ten steps: 2.4/√600 = 0.1.
        assert estimate.sampling_error < 0.2
        assert estimate.value == pytest.approx(exact, abs=4 * estimate.sampling_error)
        assert estimate.warnings == ()

    @pytest.mark.long_chains
    def test_without_descent_is_too_low_by_the_gradient_term_at_least(self):
        ridge = Ridge.beside_the_minimum(0.35)
        estimate = quietly(ridge.model, ridge.data, num_chains=4, seed=1, **self.SETTINGS)
        gradient = ridge.hessian @ (ridge.start - ridge.minimum)
        square = float(np.sum(gradient**2))
        curvature = (gradient.T @ ridge.hessian @ gradient).item() / square
        expected = NBETA * square / (2 * (curvature + 1.0 / NBETA))
        # Curvature by differences of float32 gradients: "three digits".
        assert estimate.gradient_term == pytest.approx(expected, rel=5e-3)
        # A step along the gradient reaches no further than the minimum.
        assert 0.5 * ridge.excess(ridge.start) < estimate.gradient_term < ridge.excess(ridge.start)
        assert estimate.verdict == "doubtful"
        # Beside it: that the estimate depends on the temperature, as that of no minimum does.
        (warning,) = [warning for warning in estimate.warnings if "falls along its gradient" in warning]
        assert re.search(f"at w\\* by {expected:.2f}.*not a minimum.*anchor='descend'", warning)
        assert estimate.value < D / 2 - expected + 4 * estimate.sampling_error

    def test_a_descent_that_found_nothing_lower_is_told_of(self, monkeypatch):
        ridge = Ridge.beside_the_minimum(0.35)
        lower = problem.descend

        def found_nothing(energy, settings, steps):
            _, descent, evaluations = lower(energy, settings, 1)
            return energy, dataclasses.replace(descent, loss=descent.trained_loss, distance=0.0, steps=0), evaluations

        monkeypatch.setattr(problem, "descend", found_nothing)
        given = {**self.SETTINGS, "burn_in": 20, "num_draws": 200, "step_size": 1e-3}
        estimate = quietly(ridge.model, ridge.data, anchor="descend", num_chains=4, seed=1, **given)
        (warning,) = [warning for warning in estimate.warnings if "falls along its gradient" in warning]
        assert "The descent found no lower loss in 20 steps, so that w* are the trained weights" in warning

    def test_after_descent_has_no_gradient_left(self):
        ridge = Ridge.beside_the_minimum(0.35)
        estimate = quietly(ridge.model, ridge.data, anchor="descend", num_chains=4, seed=1, **self.SETTINGS)
        # What is left is the pull of the localization, γ·|mode − start| ≈ 0.35: 0.35²/(2·nβh), a hundredth.
        assert estimate.gradient_term < 0.01
        assert estimate.warnings == ()

    def test_gradient_of_small_batches_is_that_of_all_data(self):
        ridge = Ridge.beside_the_minimum(0.35)
        settings = {**self.SETTINGS, "batch_size": 150, "burn_in": 50, "num_draws": 50}  # 150, 150 and 100
        estimate = quietly(ridge.model, ridge.data, num_chains=2, seed=1, **settings)
        whole = quietly(ridge.model, ridge.data, num_chains=2, seed=1, **{**settings, "batch_size": N})
        # The curvature, of one batch of 150, is known to √(2/150) = 12 %; two of these.
        assert estimate.gradient_term == pytest.approx(whole.gradient_term, rel=0.24)

    def test_at_the_minimum_is_as_without(self):
        ridge = Ridge.beside_the_minimum(0.0)
        trained, descended = (
            quietly(ridge.model, ridge.data, anchor=anchor, num_chains=4, seed=1, **self.SETTINGS)
            for anchor in ("trained", "descend")
        )
        # The same noise around anchors that differ by rounding.
        assert descended.value == pytest.approx(trained.value, rel=1e-3)
        assert trained.gradient_term < 1e-6 and descended.gradient_term < 1e-6


@pytest.mark.any_backend
def test_badly_scaled_inputs_do_not_throw_the_descent_out():
    """Their curvature rises tenfold within a few steps; steps by the last one known alone ended at 0.72 of the loss."""
    rng = np.random.default_rng(0)
    patterns = rng.uniform(0, 255, (10, 64)) * (rng.random((10, 64)) < 0.3)
    y = rng.integers(0, 10, 3000)
    noise = 60 * rng.normal(size=(3000, 64)) * (rng.random((3000, 64)) < 0.5)
    x = np.clip(patterns[y] + noise, 0, 255).astype("float32")
    keras.utils.set_random_seed(1)
    model = mlp(32, inputs=64, seed=1)
    model.compile(keras.optimizers.Adam(1e-3), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=64, epochs=3, verbose=0)
    estimate = quietly(model, (x, y), anchor="descend", num_chains=2, burn_in=600, num_draws=10, seed=1)
    descent, pull = estimate.descent, estimate.localization / estimate.inverse_temperature
    assert descent.loss + 0.5 * pull * descent.distance**2 < 0.2 * descent.trained_loss
