"""Gaussian noise on inputs."""

import numpy as np
import numpy.typing as npt

# Samples at a time: single precision takes four times the room of bytes.
_AT_ONCE = 10_000


def with_noise(x: np.ndarray, sigma: float, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32) -> np.ndarray:
    """Inputs with noise on every number, cut off at their range.

    Args:
        x: Numbers `(samples, ...)`.
        sigma: Standard deviation in units of the range of `x`, ≥ 0.
        rng: Where the draws come from.
        dtype: Type of the result; unsigned whole numbers are rounded.

    Returns:
        An array of the shape of `x`.

    Example:

    >>> with_noise(np.array([[0, 255]], np.uint8), 0.0, np.random.default_rng(1), np.uint8).tolist()
    [[0, 255]]
    """
    low, high = float(x.min()), float(x.max())
    noisy = np.empty(x.shape, dtype)
    for start in range(0, len(x), _AT_ONCE):
        rows = x[start : start + _AT_ONCE].astype(np.float32)
        rows += np.float32(sigma * (high - low)) * rng.standard_normal(rows.shape, dtype=np.float32)
        rows = np.clip(rows, low, high)
        noisy[start : start + _AT_ONCE] = np.rint(rows) if noisy.dtype.kind == "u" else rows
    return noisy
