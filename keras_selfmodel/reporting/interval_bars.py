"""How far intervals are drawn."""

import math
from collections.abc import Sequence

import numpy as np

from keras_selfmodel.experiments.measured_ranges import MEASURE_RANGES
from keras_selfmodel.statistics import Interval


def bars(name: str, intervals: Sequence[Interval], factor: float = 1.0) -> np.ndarray:
    """How far each interval reaches below and above its mean, but not beyond what the measure can be.

    Args:
        name: The measure.
        intervals: Means with their intervals; where there is none, the bar has no length.
        factor: What they are multiplied by.

    Returns:
        Lengths `(2, intervals)`, as `matplotlib`'s `errorbar` takes them.

    Example:

    >>> bars("accuracy", [Interval(0.75, 0.5, 2), Interval(0.5, None, 1)], 100).tolist()
    [[50.0, 0.0], [25.0, 0.0]]
    """
    means = np.array([interval.mean for interval in intervals])
    widths = np.array([interval.half_width or 0.0 for interval in intervals])
    least, most = MEASURE_RANGES.get(name, (-math.inf, math.inf))
    return factor * np.minimum(widths, [means - least, most - means])
