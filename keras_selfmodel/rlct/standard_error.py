"""The standard error of a mean over correlated draws."""

import math

import numpy as np

# Stretches in all, and at most of one chain, whose means are taken to be independent.
STRETCHES, STRETCHES_OF_A_CHAIN = 20, 10
# A stretch outlasts the memory of the draws by this factor, if the chains are long enough.
OUTLASTS = 4.0


def sampling_error(draws: np.ndarray, slow: np.ndarray | None = None) -> float:
    """Standard error of the mean of `(chains, draws)`, from the means of stretches longer than the chains' memory.

    Args:
        draws: `(chains, draws)`, at least two in all.
        slow: A quantity of the same draws that may move more slowly than their noise shows, such as the distance from
            w*. What of the draws goes along with it counts with as many independent draws as it has itself.

    Returns:
        The standard error, widened by Student's t for the number of stretches, so that 1.96 of it hold 95 %.
    """
    if slow is None or not (np.isfinite(slow).all() and np.ptp(slow) > 0) or len(draws) < 2:
        return _of_stretches(draws)
    centered = slow - slow.mean()
    along = np.mean((draws - draws.mean()) * centered) / np.mean(centered**2) * centered
    effective = len(slow) * max(1.0, slow.shape[1] / autocorrelation_time(slow))
    return math.hypot(_of_stretches(draws - along), float(along.std()) / math.sqrt(effective))


def relative_sampling_error(draws: np.ndarray, slow: np.ndarray | None = None) -> float:
    """`sampling_error` as a part of the mean."""
    return sampling_error(draws, slow) / max(abs(float(draws.mean())), 1e-300)


def error_of_references(losses: np.ndarray, drawn: np.ndarray, first: np.ndarray) -> float:
    """Standard error of L₀, the mean loss of a few batches at w*, as a reference for draws of other batches.

    Args:
        losses: At w*, of the batches in their order, as far as they were met, `(batches,)`.
        drawn: The number of the batch of each draw.
        first: The number of each batch that L₀ is the mean of.
    """
    batches = 1 + max(int(drawn.max()), int(first.max()))
    parts = np.bincount(drawn, minlength=batches) / len(drawn) - np.bincount(first, minlength=batches) / len(first)
    # Of any order of the batches: the parts add up to 0.
    return float(np.std(losses, ddof=1) * np.linalg.norm(parts)) if len(losses) > 1 else 0.0


def autocorrelation_time(draws: np.ndarray) -> float:
    """1 + 2 Σ ρ over the lags: as many draws of a chain know as much as one independent draw.

    Args:
        draws: `(chains, draws)`. Chains are compared with the mean of all, so that chains that stay apart count.

    Reference:
        Geyer, "Practical Markov chain Monte Carlo", 1992: the initial positive sequence.
    """
    steps = draws.shape[1]
    centered = draws - draws.mean()
    # By the convolution theorem, padded so that the end does not meet the beginning.
    spectrum = np.abs(np.fft.rfft(centered, 2 * steps, axis=1)) ** 2
    covariance = np.fft.irfft(spectrum, axis=1)[:, :steps].mean(axis=0) / (steps - np.arange(steps))
    if not covariance[0] > 0:
        return 1.0
    pairs = covariance[: steps // 2 * 2].reshape(-1, 2).sum(axis=1) / covariance[0]
    negative = np.flatnonzero(pairs <= 0)
    return float(min(max(2 * pairs[: negative[0] if len(negative) else None].sum() - 1, 1.0), steps))


def _of_stretches(draws: np.ndarray) -> float:
    chains, steps = draws.shape
    fewest = 1 if chains > 2 else 2
    most = min(max(-(-STRETCHES // chains), 2), STRETCHES_OF_A_CHAIN)
    number = min(max(int(steps / (OUTLASTS * autocorrelation_time(draws))), fewest), most, steps)
    means = np.concatenate([part.mean(axis=1) for part in np.array_split(draws, number, axis=1)])
    if len(means) < 2:
        return math.nan
    return float(np.std(means, ddof=1) / math.sqrt(len(means))) * _student(len(means) - 1)


def _student(freedom: int) -> float:
    """The ratio of the 97.5 % points of Student's t and of the normal distribution, by Cornish and Fisher."""
    z = 1.96
    terms = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return 1 + sum(term / freedom ** (i + 1) for i, term in enumerate(terms)) / z
