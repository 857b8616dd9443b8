"""What an observer found out about a network."""

from dataclasses import dataclass

import numpy as np

from keras_selfmodel.experiments import RunResult
from keras_selfmodel.probes.activations import live_units
from keras_selfmodel.probes.observers.protocol import Question

# A unit counts if it has at least this part of the mean variance of the units. Units that fire for a handful of
# samples only are predicted by chance, and the error of one of them can outweigh all others. Of inputs it is the same:
# least squares on pixels that are lit in a few images errs by more than the mean predictor on others.
COUNTS = 1e-3


@dataclass(frozen=True)
class Observation:
    """The error of one observer on held-out samples.

    Attributes:
        question: What it predicts from what.
        capacity: Its hidden units; 0 for the linear one.
        error: Fraction of a unit's variance that it leaves unexplained, Σ(y − ŷ)² / Σ(y − ȳ)² with ȳ the unit's mean
            over the observer's training samples, averaged over the units that count. 0 is a perfect observer, 1 one
            that says the mean. `None` if no unit counts: then there is nothing to predict.
        error_of_variance: The same with both sums over the units that count: large units weigh more.
        units: How many there are.
        counted_units: How many of them count: those with 0.1 % of the units' mean variance, among the observer's
            samples and the held-out ones both.
    """

    question: Question
    capacity: int
    error: float | None
    error_of_variance: float | None
    units: int
    counted_units: int


@dataclass(frozen=True)
class ObservedRun:
    """A network and what observers found out about it."""

    result: RunResult
    observations: tuple[Observation, ...]


def units_that_count(values: np.ndarray) -> np.ndarray:
    """Which units have 0.1 % of the mean variance, and vary by more than single precision's rounding.

    Args:
        values: `(samples, units)`.

    Returns:
        Booleans, `(units,)`.

    Example:

    >>> units_that_count(np.array([[0.0, 1.0, 0.0], [0.0, 2.0, 1e-3]])).tolist()
    [False, True, False]
    """
    variances = np.var(values, axis=0, dtype=np.float64)
    return live_units(values) & (variances >= COUNTS * variances.mean())


def observation(
    question: Question,
    capacity: int,
    *,
    targets: np.ndarray,
    predictions: np.ndarray,
    means: np.ndarray,
    counted: np.ndarray,
) -> Observation:
    """Judges an observer.

    Args:
        question: What it predicts from what.
        capacity: Its hidden units.
        targets: The truth on held-out samples, `(samples, units)`.
        predictions: What it says, `(samples, units)`.
        means: Of the units over the observer's training samples, `(units,)`.
        counted: Which units count, `(units,)`.
    """
    unexplained = np.sum((targets - predictions)[:, counted] ** 2, axis=0, dtype=np.float64)
    total = np.sum((targets - means)[:, counted] ** 2, axis=0, dtype=np.float64)
    some = bool(np.any(counted))
    return Observation(
        question=question,
        capacity=capacity,
        error=float(np.mean(unexplained / total)) if some else None,
        error_of_variance=float(unexplained.sum() / total.sum()) if some else None,
        units=len(counted),
        counted_units=int(np.sum(counted)),
    )
