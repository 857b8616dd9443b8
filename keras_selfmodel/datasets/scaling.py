"""Pixel ranges that networks expect."""

import numpy as np

SCALINGS = {"symmetric": (127.5, -1.0), "unit": (255.0, 0.0), "none": (1.0, 0.0)}
"""Divisor and shift by name: 0 … 255 becomes −1 … 1, or 0 … 1, or stays."""


def scaled(x: np.ndarray, scaling: str) -> np.ndarray:
    """`x / divisor + shift` as float32.

    Args:
        x: Numbers of any kind and shape.
        scaling: A name in `SCALINGS`.

    Raises:
        ValueError: If there is no such scaling.

    Example:

    >>> scaled(np.array([0, 255], "uint8"), "symmetric")
    array([-1.,  1.], dtype=float32)
    """
    if scaling not in SCALINGS:
        raise ValueError(f"scaling must be one of {', '.join(map(repr, SCALINGS))}. Received: scaling={scaling!r}")
    divisor, shift = SCALINGS[scaling]
    result = x.astype(np.float32)
    result /= divisor
    result += shift
    return result
