"""How many of a layer's units vary, and in how many directions."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Activations are computed in single precision: what varies by less than this part of its size is constant.
SAME_ACTIVATION = 1e-6


def live_units(activations: npt.ArrayLike) -> np.ndarray:
    """Which units vary over the samples; the others are dead.

    A unit is dead if its largest and smallest activation differ by at most 1e-6 of its largest size: a ReLU unit that
    never fires, and any other that always gives the same.

    Args:
        activations: `(samples, units)`.

    Returns:
        Booleans, `(units,)`.

    Example:

    >>> live_units([[0.0, 5.0, 1.0], [0.0, 5.0, 2.0]]).tolist()
    [False, False, True]
    """
    values = np.asarray(activations)
    return np.ptp(values, axis=0) > SAME_ACTIVATION * np.abs(values).max(axis=0)


def participation_ratio(variances: npt.ArrayLike) -> float | None:
    """Effective rank (Σλ)² / Σλ²: n for n equal variances, 1 for a single one; `None` if nothing varies.

    Args:
        variances: Eigenvalues λ ≥ 0 of a covariance.

    Reference:
        P. Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement", bioRxiv 214262 (2017).

    Example:

    >>> participation_ratio([2.0, 2.0, 0.0])
    2.0
    """
    values = np.asarray(variances, dtype=np.float64)
    return float(values.sum() ** 2 / (values**2).sum()) if values.any() else None


def entropy_rank(variances: npt.ArrayLike) -> float | None:
    """Effective rank exp(−Σ p·ln p), p = λ/Σλ: n for n equal variances, 1 for a single one; `None` if nothing varies.

    It counts small variances for more than the participation ratio does, and is never below it.

    Args:
        variances: Eigenvalues λ ≥ 0 of a covariance.

    Reference:
        O. Roy and M. Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007. They take
        singular values of the data; here it is the variances, so that both ranks describe the same shares.

    Example:

    >>> round(entropy_rank([2.0, 2.0, 0.0]), 9)
    2.0
    """
    values = np.asarray(variances, dtype=np.float64)
    shares = values[values > 0] / values.sum() if values.any() else values[:0]
    return float(np.exp(-np.sum(shares * np.log(shares)))) if shares.size else None


@dataclass(frozen=True)
class ActivationStatistics:
    """Statistics of a layer's activations over some samples.

    Attributes:
        units: How many.
        dead_units: How many of them do not vary.
        total_variance: tr C, the variances of all units together.
        variances: Eigenvalues of the covariance C of the live units, falling.
        participation_ratio: Effective rank (Σλ)² / Σλ²; `None` if nothing varies.
        entropy_rank: Effective rank exp(−Σ p·ln p); `None` if nothing varies.
    """

    units: int
    dead_units: int
    total_variance: float
    variances: tuple[float, ...]
    participation_ratio: float | None
    entropy_rank: float | None


def activation_statistics(activations: npt.ArrayLike) -> ActivationStatistics:
    """Dead units and effective rank.

    Args:
        activations: `(samples, units)`.

    Example:

    >>> found = activation_statistics([[1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [-1.0, -1.0, 0.0]])
    >>> found.dead_units, found.total_variance, found.participation_ratio
    (1, 2.0, 2.0)
    """
    values = np.asarray(activations, dtype=np.float64)
    live = live_units(values)
    variances = principal_variances(values[:, live])[0]
    return ActivationStatistics(
        units=values.shape[1],
        dead_units=int(np.sum(~live)),
        total_variance=float(variances.sum()),
        variances=tuple(variances.tolist()),
        participation_ratio=participation_ratio(variances),
        entropy_rank=entropy_rank(variances),
    )


def principal_variances(activations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of the covariance, falling, and its eigenvectors as columns.

    Args:
        activations: float64 `(samples, units)`; the covariance is that of these samples (divided by their number).
    """
    if not activations.shape[1]:
        return np.zeros(0), np.zeros((0, 0))
    deviations = activations - activations.mean(axis=0)
    variances, directions = np.linalg.eigh(deviations.T @ deviations / len(deviations))
    return np.maximum(variances[::-1], 0.0), directions[:, ::-1]
