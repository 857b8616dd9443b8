"""Samples in the shape that a network takes."""

import math

import numpy as np


def reshaped(x: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
    """The same samples in another shape, such as images as vectors.

    Args:
        x: `(samples, ...)`.
        shape: Of one sample; `None` for an axis that may have any length.

    Raises:
        ValueError: If samples of that shape hold another number of values.

    Example:

    >>> reshaped(np.zeros((5, 8, 8, 1)), (64,)).shape
    (5, 64)
    """
    given = x.shape[1:]
    wanted = shape
    if None in shape and len(shape) == len(given):
        wanted = tuple(size or other for size, other in zip(shape, given, strict=True))
    known = [size for size in wanted if size is not None]
    if len(known) < len(wanted) or math.prod(known) != math.prod(given):
        raise ValueError(f"The network takes inputs of shape {shape}. Received: samples of shape {tuple(given)}.")
    return x.reshape(len(x), *known)
