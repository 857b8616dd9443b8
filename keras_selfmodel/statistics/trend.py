"""Whether a measure rises or falls with the auxiliary weight."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Permutations drawn where there are too many to try all; all are tried for up to seven runs.
PERMUTATIONS = 9999
# From this number of runs on, Student's t says the same, and permutations take seconds.
MANY = 500


@dataclass(frozen=True)
class Trend:
    """Spearman's rank correlation.

    Attributes:
        rho: ρ in −1 … 1; −1 if every run with a larger auxiliary weight has a smaller value.
        p: Two-sided p value: how often ρ is as far from 0 if the values are dealt out at random, by permutations;
            from 500 runs on, by Student's t.
        count: How many runs.
    """

    rho: float
    p: float
    count: int


def spearman_trend(weights: Sequence[float], values: Sequence[float]) -> Trend | None:
    """Spearman's trend of values over auxiliary weights, one pair a run.

    The p value comes from permutations, because t's distribution, which is usual, is wrong for few runs: it calls ρ = 1
    of three runs certain. Up to seven runs it is exact. From 500 runs on, t's is used. Runs of one seed resemble each
    other, which makes a trend over the weight appear clearer still, so p errs on the large side.

    Args:
        weights: The auxiliary weight of each run.
        values: The measure of each run.

    Returns:
        The trend, or `None` if all weights or all values are the same.

    Raises:
        ImportError: If SciPy is missing.
        ValueError: If there is not one value for each weight.

    Example:

    >>> trend = spearman_trend([0, 10, 50], [3.0, 2.0, 1.0])
    >>> trend.rho, round(trend.p, 3)
    (-1.0, 0.333)
    """
    if len(weights) != len(values):
        raise ValueError(f"There must be one value for each weight. Received: {len(weights)} and {len(values)}")
    if len(set(weights)) < 2 or len(set(values)) < 2:
        return None
    ranks = [_ranks(numbers) for numbers in (weights, values)]
    ranks = [(rank - rank.mean()) / np.sqrt(((rank - rank.mean()) ** 2).sum()) for rank in ranks]
    if len(values) >= MANY:
        return _by_t(*ranks)
    from scipy.stats import permutation_test

    def rho(permuted, axis=-1):
        return (permuted * ranks[1]).sum(axis=axis)

    result = permutation_test(
        (ranks[0],),
        rho,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(0),
    )
    return Trend(round(float(result.statistic), 12), float(result.pvalue), len(values))


def _by_t(first: np.ndarray, second: np.ndarray) -> Trend:
    """What `scipy.stats.spearmanr` gives. A report would wait a second for the import of that module.

    Args:
        first: Ranks, centered and of length 1.
        second: As many others.
    """
    from scipy.special import stdtr

    rho, freedom = float(np.clip(first @ second, -1, 1)), len(first) - 2
    p = 0.0 if abs(rho) == 1 else 2 * float(stdtr(freedom, -abs(rho) * np.sqrt(freedom / (1 - rho**2))))
    return Trend(round(rho, 12), p, len(first))


def _ranks(numbers: Sequence[float]) -> np.ndarray:
    """The place of each number in their order, that of equal ones the mean of theirs."""
    _, of, counts = np.unique(np.asarray(numbers, dtype=float), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[of]
