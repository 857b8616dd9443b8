"""Seeds of NumPy's generators."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def checked_seed(seed: Any) -> int | list[int] | None:
    """A seed as `numpy.random.default_rng` takes it, of Python's integers.

    Args:
        seed: A whole number, at least 0, or a sequence of these; `None` is left as it is.

    Raises:
        ValueError: If it is something else.
    """
    if seed is None:
        return None
    several = isinstance(seed, Sequence | np.ndarray) and not isinstance(seed, str | bytes)
    numbers: Sequence = seed if several else (seed,)
    if not all(isinstance(one, int | np.integer) and one >= 0 for one in numbers):
        raise ValueError(f"seed must be a whole number, at least 0, or a sequence of these. Received: seed={seed!r}")
    return [int(one) for one in numbers] if several else int(seed)
