"""The difference of two groups of runs, tested."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from keras_selfmodel.statistics.interval import Interval, mean_interval


@dataclass(frozen=True)
class Difference:
    """How far the mean of one group lies from that of another.

    Attributes:
        estimate: The difference of the means with its 95 % interval; no interval if either group has a single run.
        test: "paired" if both groups have the same seeds (paired by seed), else "Welch".
        p: Two-sided p value of the t test; `None` without an interval.
        effect_size: "paired": Cohen's d_z, the mean difference over the standard deviation of the differences.
            "Welch": Hedges' g, the difference over the pooled standard deviation, times 1 − 3/(4·df − 1). `None`
            if nothing scatters, or without an interval.
        reference: The mean of the group compared with.
    """

    estimate: Interval
    test: Literal["paired", "Welch"]
    p: float | None
    effect_size: float | None
    reference: float

    @property
    def effect_name(self) -> str:
        return "d_z" if self.test == "paired" else "g"

    @property
    def relative(self) -> float | None:
        """The difference as a part of the reference's size; `None` if that is zero."""
        return self.estimate.mean / abs(self.reference) if self.reference else None


def difference(values: Mapping[int, float], reference: Mapping[int, float]) -> Difference:
    """Compares two groups of runs by a t test: paired where the seeds are the same, Welch's otherwise.

    Runs of one seed start from the same weights and see the data in the same order, so that they are no independent
    samples, and their differences scatter less than the runs.

    Args:
        values: The values by seed.
        reference: The values by seed of the group compared with.

    Raises:
        ImportError: If SciPy is missing.
        ValueError: If a group is empty.

    Example:

    >>> found = difference({1: 1.0, 2: 2.0, 3: 4.0}, {1: 2.0, 2: 4.0, 3: 5.0})
    >>> found.test, round(found.estimate.mean, 3), round(found.p, 4), round(found.effect_size, 3)
    ('paired', -1.333, 0.0572, -2.309)
    """
    if not values or not reference:
        raise ValueError(f"Each group needs at least one run. Received: {len(values)} and {len(reference)}")
    mean = float(np.mean(list(reference.values())))
    if values.keys() == reference.keys():
        pairs = np.array([(values[seed], reference[seed]) for seed in values])
        return _paired(pairs[:, 0], pairs[:, 1], mean)
    return _welch(np.array(list(values.values())), np.array(list(reference.values())), mean)


def _paired(values: np.ndarray, others: np.ndarray, reference: float) -> Difference:
    from scipy.special import stdtr

    differences = values - others
    interval = _interval(differences)
    if len(differences) < 2:
        return Difference(interval, "paired", None, None, reference)
    scatter = float(differences.std(ddof=1))
    if _negligible(scatter, values, others):
        # Every pair differs by the same, such as accuracies on a few test samples: the t test would divide by zero.
        return _certain(interval.mean, "paired", values, others, reference)
    # `scipy.stats.ttest_1samp` takes a millisecond for it, and a report of many groups makes hundreds of tests.
    t = interval.mean / (scatter / math.sqrt(len(differences)))
    p = 2 * float(stdtr(len(differences) - 1, -abs(t)))
    return Difference(interval, "paired", p, interval.mean / scatter, reference)


def _welch(values: np.ndarray, others: np.ndarray, reference: float) -> Difference:
    from scipy.stats import ttest_ind

    mean = float(values.mean()) - reference
    count = min(len(values), len(others))
    if count < 2:
        return Difference(Interval(mean, None, count), "Welch", None, None, reference)
    freedom = len(values) + len(others) - 2
    pooled = math.sqrt(((len(values) - 1) * values.var(ddof=1) + (len(others) - 1) * others.var(ddof=1)) / freedom)
    if _negligible(pooled, values, others):
        return _certain(mean, "Welch", values, others, reference)
    with warnings.catch_warnings():
        # SciPy doubts its variance where one of the groups does not scatter; zero is right there.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = ttest_ind(values, others, equal_var=False)
    low, high = result.confidence_interval(0.95)
    hedges = mean / pooled * (1 - 3 / (4 * freedom - 1))
    return Difference(Interval(mean, float(high - low) / 2, count), "Welch", float(result.pvalue), hedges, reference)


def _interval(values: np.ndarray) -> Interval:
    interval = mean_interval(values)
    if interval is None:
        raise ValueError(f"A difference needs at least one pair. Received: {values}")
    return interval


def _certain(
    mean: float, test: Literal["paired", "Welch"], values: np.ndarray, others: np.ndarray, reference: float
) -> Difference:
    """The difference of groups that do not scatter: there is one or there is none, without doubt.

    The means of equal values can differ in their last digit where the groups are of different sizes. Two pairs differ
    by the same too easily, as accuracies on a few test samples do, to say how much others would.
    """
    mean, count = 0.0 if _negligible(mean, values, others) else mean, min(len(values), len(others))
    if count < 3:
        return Difference(Interval(mean, None, count), test, None if mean else 1.0, None, reference)
    return Difference(Interval(mean, 0.0, count), test, float(mean == 0), None, reference)


def _negligible(number: float, values: np.ndarray, others: np.ndarray) -> bool:
    """Whether a difference or a standard deviation of these numbers is nothing but rounding."""
    return abs(number) <= 1e-12 * max(1e-300, float(np.abs(values).max()), float(np.abs(others).max()))
