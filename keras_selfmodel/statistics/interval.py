"""The mean of a few repeats with its confidence interval."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval by Student's t.

    Attributes:
        mean: The mean.
        half_width: Half the width of the interval around it; `None` for a single value, which says nothing about
            its scatter.
        count: How many values.
    """

    mean: float
    half_width: float | None
    count: int

    @property
    def low(self) -> float | None:
        return None if self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        return None if self.half_width is None else self.mean + self.half_width


def mean_interval(values: Iterable[float], level: float = 0.95) -> Interval | None:
    """Mean and Student's t interval, x̄ ± t(level, n − 1)·s/√n.

    Args:
        values: One value of each independent repeat.
        level: How often intervals made this way hold the true mean, for normal values.

    Returns:
        The interval, or `None` if there are no values.

    Raises:
        ImportError: If SciPy is missing.
        ValueError: If a value is not finite, or the level lies outside 0 … 1.

    Example:

    >>> interval = mean_interval([1.0, 2.0, 3.0])
    >>> f"{interval.mean:.1f} ± {interval.half_width:.3f}"
    '2.0 ± 2.484'
    """
    from scipy.special import stdtrit  # what scipy.stats computes with, which takes a second to import

    numbers = np.asarray(list(values), dtype=float)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1. Received: level={level}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"values must be finite. Received: {numbers.tolist()}")
    if numbers.size == 0:
        return None
    mean = float(numbers.mean())
    if numbers.size == 1:
        return Interval(mean, None, 1)
    error = float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
    return Interval(mean, float(stdtrit(numbers.size - 1, 0.5 + level / 2)) * error, numbers.size)
