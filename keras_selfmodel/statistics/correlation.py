"""Spearman's rank correlation with an interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from keras_selfmodel.statistics.trend import spearman_trend

# Fewer pairs have no interval.
LEAST = 4


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's ρ.

    Attributes:
        rho: ρ in −1 … 1.
        low: Lower end of the 95 % interval.
        high: Upper end.
        p: Two-sided p value, as that of `spearman_trend`.
        count: How many pairs.
    """

    rho: float
    low: float
    high: float
    p: float
    count: int


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> RankCorrelation | None:
    """Spearman's ρ of pairs, with the 95 % interval tanh(artanh ρ ± z·√((1 + ρ²/2) / (n − 3))).

    Args:
        first: One number of each pair.
        second: The other one.

    Returns:
        The correlation, or `None` for fewer than four pairs, or if one of both never varies.

    Raises:
        ImportError: If SciPy is missing.
        ValueError: If there are more of one than of the other.

    Reference:
        D. G. Bonett and T. A. Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman
        correlations", Psychometrika 65 (2000).

    Example:

    >>> found = rank_correlation([1, 2, 3, 4, 5], [2.0, 1.0, 4.0, 3.0, 5.0])
    >>> found.rho, round(found.low, 2), round(found.high, 2)
    (0.8, -0.46, 0.99)
    """
    found = spearman_trend(first, second)
    if found is None or found.count < LEAST:
        return None
    if abs(found.rho) == 1:
        return RankCorrelation(found.rho, found.rho, found.rho, found.p, found.count)
    half = NormalDist().inv_cdf(0.975) * math.sqrt((1 + found.rho**2 / 2) / (found.count - 3))
    middle = math.atanh(found.rho)
    return RankCorrelation(found.rho, math.tanh(middle - half), math.tanh(middle + half), found.p, found.count)
