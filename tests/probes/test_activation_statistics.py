import numpy as np
import pytest

from keras_selfmodel.probes.activations import (
    activation_statistics,
    entropy_rank,
    live_units,
    participation_ratio,
)


def _with_covariance(eigenvalues, seed=0) -> np.ndarray:
    """Samples whose covariance has exactly these eigenvalues, in directions drawn at random."""
    size = len(eigenvalues)
    white, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(50, size)) - 0.0)
    white -= white.mean(axis=0)
    # Whitened after centring: the covariance of `white` is then the identity to rounding.
    white = white @ np.linalg.inv(np.linalg.cholesky(white.T @ white / 50)).T
    turn, _ = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(size, size)))
    return white @ np.diag(np.sqrt(eigenvalues)) @ turn.T + 3.0


def test_the_effective_ranks_are_those_of_the_closed_form():
    found = activation_statistics(_with_covariance([4.0, 2.0, 1.0, 1.0]))
    assert found.total_variance == pytest.approx(8.0)
    np.testing.assert_allclose(found.variances, [4.0, 2.0, 1.0, 1.0], rtol=1e-9)
    assert found.participation_ratio == pytest.approx(64 / 22)
    # Shares 1/2, 1/4, 1/8, 1/8: an entropy of 1.75 bits.
    assert found.entropy_rank == pytest.approx(2**1.75)


@pytest.mark.parametrize("rank", [participation_ratio, entropy_rank])
def test_the_ranks_count_equal_variances_and_ignore_their_size(rank):
    assert rank([3.0] * 5 + [0.0] * 2) == pytest.approx(5.0)
    assert rank(np.array([3.0, 1.0]) * 1e-12) == pytest.approx(rank([3.0, 1.0]))
    assert rank([0.0, 0.0]) is None and rank([]) is None


def test_dead_units_are_those_that_do_not_vary():
    activations = np.zeros((4, 4), np.float32)
    activations[:, 1] = 5.0
    activations[2, 2] = 1e-20  # tiny, but it fires
    activations[:, 3] = [1.0, np.nextafter(np.float32(1), np.float32(2)), 1.0, 1.0]  # rounding
    assert live_units(activations).tolist() == [False, False, True, False]


def test_constant_activations_have_no_rank():
    found = activation_statistics(np.ones((5, 3)))
    assert found.dead_units == 3 and found.total_variance == 0.0 and found.variances == ()
    assert found.participation_ratio is None and found.entropy_rank is None
