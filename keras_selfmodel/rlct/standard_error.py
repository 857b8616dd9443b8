"""The standard error of a mean over correlated draws."""

import math

import numpy as np

# Parts into which each chain is cut: few, so that they outlast the chain's memory.
STRETCHES = 10


def sampling_error(draws: np.ndarray) -> float:
    """Standard error of the mean of `(chains, draws)`, from the means of ten stretches of each chain."""
    stretches = np.array_split(draws, min(STRETCHES, draws.shape[1]), axis=1)
    means = np.concatenate([stretch.mean(axis=1) for stretch in stretches])
    return float(np.std(means, ddof=1) / math.sqrt(len(means)))


def relative_sampling_error(draws: np.ndarray) -> float:
    """`sampling_error` as a part of the mean."""
    return sampling_error(draws) / max(abs(float(draws.mean())), 1e-300)
