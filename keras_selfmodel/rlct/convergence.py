"""Whether the chains agree."""

import math

import numpy as np


def least_split_r_hat(num_draws: int) -> float:
    """What `split_r_hat` of so many draws of each chain is at least: that of halves with equal means."""
    length = num_draws // 2
    return math.sqrt((length - 1) / length) if length else 0.0


def split_r_hat(draws: np.ndarray) -> float:
    """R̂ over the halves of all chains: the spread of all draws over that within the halves; 1 where they agree.

    Every estimate is checked by it, so it does without ArviZ, whose import takes longer than a small estimate.

    Args:
        draws: `(chains, draws)`, at least 4 draws.

    Returns:
        R̂ ≥ about 1; NaN for fewer draws or values that are not finite.

    Reference:
        Gelman et al., Bayesian Data Analysis, 3rd edition, equation 11.4.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> round(split_r_hat(rng.normal(size=(4, 1000))), 2)
    1.0
    >>> split_r_hat(rng.normal(size=(4, 1000)) + np.arange(4)[:, None]) > 1.5
    True
    """
    length = draws.shape[1] // 2
    if length < 2 or not np.isfinite(draws).all():
        return math.nan
    halves = np.concatenate([draws[:, :length], draws[:, -length:]])
    within = halves.var(axis=1, ddof=1).mean()
    between = halves.mean(axis=1).var(ddof=1)
    return math.sqrt((length - 1) / length + between / within) if within > 0 else math.nan
