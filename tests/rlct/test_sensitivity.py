"""What draws tell of the localization, on Gaussian draws whose law is known."""

import numpy as np
import pytest

from keras_selfmodel.rlct.prior_width import weight_scale
from keras_selfmodel.rlct.sensitivity import (
    Sensitivity,
    TemperatureTrend,
    by_covariance,
    by_second_localization,
    by_temperature,
)

CURVATURES, GAMMA = np.array([100.0, 10.0, 3.0, 1.0, 0.3, 0.0]), 1.0  # nβh


def draws(gamma, seed, shape=(8, 4000)):
    """Loss and squared distance of independent draws of the posterior of a quadratic loss."""
    w = np.random.default_rng(seed).normal(size=(*shape, len(CURVATURES))) / np.sqrt(CURVATURES + gamma)
    return 0.5 * (w**2 @ CURVATURES), (w**2).sum(axis=-1)


def test_covariance_is_the_derivative():
    found = by_covariance(*draws(GAMMA, seed=1), GAMMA)
    # λ = Σ ½a/(a + γ), differentiated by hand.
    exact = np.sum(0.5 * CURVATURES * GAMMA / (CURVATURES + GAMMA) ** 2)
    assert found.slope == pytest.approx(exact, abs=4 * found.error)
    assert found.error < 0.05 * exact


def test_a_second_localization_gives_the_difference():
    (loss, _), (weaker, _) = draws(GAMMA, seed=1), draws(GAMMA / 4, seed=2)
    found = by_second_localization(loss, weaker, 4.0)
    exact = np.sum(0.5 * CURVATURES / (CURVATURES + GAMMA / 4) - 0.5 * CURVATURES / (CURVATURES + GAMMA)) / np.log(4)
    assert found.slope == pytest.approx(exact, abs=4 * found.error)


def test_a_bar_of_95_percent_reaches_what_a_tenfold_localization_changes():
    assert 1.96 * Sensitivity(0.3, 0.0, "covariance").tenfold == pytest.approx(0.3 * np.log(10))
    assert Sensitivity(0.3, 0.4, "covariance").tenfold == pytest.approx(Sensitivity(0.5, 0.0, "covariance").tenfold)


def test_a_quarter_of_the_temperature_shows_what_is_not_quadratic():
    grid = np.linspace(-3, 3, 20_001)
    rng = np.random.default_rng(3)

    def law(nbeta, quartic):
        """Draws of nβL for L = w²/2 + c w⁴, and their exact mean, by the distribution function on a grid."""
        energy = nbeta * (0.5 * grid**2 + quartic * grid**4)
        weight = np.exp(-energy) / np.exp(-energy).sum()
        return rng.choice(energy, p=weight, size=(8, 2000)), float(energy @ weight)

    for quartic in (0.0, 2.0):
        (cold, cold_mean), (warm, warm_mean) = law(20.0, quartic), law(5.0, quartic)
        found = by_temperature(cold, warm)
        assert found.difference == pytest.approx(warm_mean - cold_mean, abs=4 * found.error)
        assert found.error < 0.03
        # Half a direction of a parabola, whatever the temperature; the quartic part leaves less.
        assert (abs(found.difference) > 4 * found.error) == (quartic > 0)
    assert 1.96 * TemperatureTrend(0.3, 0.4).reach == pytest.approx(0.5)


def test_the_scale_of_weights_is_theirs_or_that_of_an_initialization():
    # Kernels of variance 1/inputs have the sum of squares (outputs); vectors 1.
    assert weight_scale([np.zeros((3, 3, 4, 5)), np.zeros(5)]) == pytest.approx(5 + 1)
    assert weight_scale([np.full((2, 3), 2.0), np.zeros(3)]) == pytest.approx(24)
