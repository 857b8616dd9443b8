"""What draws tell of the localization, on Gaussian draws whose law is known."""

import numpy as np
import pytest

from keras_selfmodel.rlct.prior_width import weight_scale
from keras_selfmodel.rlct.sensitivity import Sensitivity, by_covariance, by_second_localization

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


def test_the_scale_of_weights_is_theirs_or_that_of_an_initialization():
    # Kernels of variance 1/inputs have the sum of squares (outputs); vectors 1.
    assert weight_scale([np.zeros((3, 3, 4, 5)), np.zeros(5)]) == pytest.approx(5 + 1)
    assert weight_scale([np.full((2, 3), 2.0), np.zeros(3)]) == pytest.approx(24)
