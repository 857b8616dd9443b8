"""Seeds of NumPy's generators."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_selfmodel._numbers import whole_number


def checked_seed(seed: Any) -> int | list[int] | None:
    """A seed as `numpy.random.default_rng` takes it, of Python's integers.

    Args:
        seed: A whole number, at least 0, or a sequence of these; `None` is left as it is.

    Raises:
        ValueError: If it is something else.
    """
    if seed is None:
        return None
    several = np.ndim(seed) == 1 if isinstance(seed, np.ndarray) else isinstance(seed, Sequence)
    try:
        found = [whole_number("seed", one, 0) for one in (seed if several else [seed])]
    except ValueError:
        raise ValueError(
            f"seed must be a whole number, at least 0, or a sequence of these. Received: seed={seed!r}"
        ) from None
    return found if several else found[0]
