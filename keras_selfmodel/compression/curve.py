"""Loss and accuracy against size, or against the strength of a disturbance."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_selfmodel.compression.loss_and_accuracy import LossAndAccuracy

RISES = (0.01, 0.1)
"""Rises of the loss, in nats, that the strength of a disturbance is searched for."""


@dataclass(frozen=True)
class CurvePoint:
    """A network changed by some amount.

    Attributes:
        amount: Its size, or the strength of a disturbance.
        loss: Its loss; `None` if it is not a number.
        accuracy: Fraction of the samples classified correctly; `None` where there are no classes.
    """

    amount: float
    loss: float | None
    accuracy: float | None

    @classmethod
    def of(cls, amount: float, score: LossAndAccuracy) -> "CurvePoint":
        """That of a score."""
        return cls(float(amount), score.loss if math.isfinite(score.loss) else None, score.accuracy)


@dataclass(frozen=True)
class CompressionCurve:
    """What becomes of a network that is changed more and more.

    Attributes:
        name: What is done to it.
        unit: What the amounts are.
        points: The intact network first, then from the least change to the greatest.

    Raises:
        ValueError: If there is no point, the amounts neither rise nor fall throughout, or the loss of the intact
            network is not a number.

    Example:

    >>> curve = CompressionCurve("pruned", "weights kept", (
    ...     CurvePoint(1.0, 0.2, 0.9), CurvePoint(0.5, 0.2, 0.9), CurvePoint(0.1, 0.6, 0.7)))
    >>> round(curve.at_rise(0.1), 3), curve.at_rise(1.0) is None
    (0.4, True)
    """

    name: str
    unit: str
    points: tuple[CurvePoint, ...]

    def __post_init__(self) -> None:
        steps = np.diff([point.amount for point in self.points])
        if not self.points or not ((steps >= 0).all() or (steps <= 0).all()):
            raise ValueError(
                "A curve needs points whose amounts rise or fall throughout. Received: amounts "
                f"{[point.amount for point in self.points]}"
            )
        if self.points[0].loss is None:
            raise ValueError(f"The loss of the intact network is not a number ({self.name}): its training diverged.")

    @property
    def last(self) -> float:
        """The amount of the greatest change: an amount that is not reached lies beyond it."""
        return self.points[-1].amount

    def at_rise(self, nats: float) -> float | None:
        """The amount at which the loss has first risen by so much above the intact network's.

        Between the point before and the point after, the loss is taken for a straight line. Nothing is extrapolated. A
        point whose loss is not a number has risen by more than anything, but nobody knows how far before: the amount is
        then that of the last point before it, the greatest change that is known to cost less.

        Args:
            nats: The rise, > 0, in the loss's unit.

        Returns:
            The amount; `None` if no point reaches the rise.

        Raises:
            ValueError: If the rise is not above 0.
        """
        return self._crossing(nats, self._rise)

    def at_fall(self, accuracy: float = 0.01) -> float | None:
        """The amount at which the accuracy has first fallen by so much; otherwise as `at_rise`.

        Args:
            accuracy: The fall as a fraction, > 0; 0.01 is one point.

        Returns:
            The amount; `None` if no point reaches the fall, or there are no accuracies.

        Raises:
            ValueError: If the fall is not above 0.
        """
        if self.points[0].accuracy is None:
            return None
        return self._crossing(accuracy, self._fall)

    def _rise(self, point: CurvePoint) -> float | None:
        return None if point.loss is None else point.loss - (self.points[0].loss or 0.0)

    def _fall(self, point: CurvePoint) -> float:
        return (self.points[0].accuracy or 0.0) - (point.accuracy or 0.0)

    def _crossing(self, limit: float, worse: Callable[[CurvePoint], float | None]) -> float | None:
        if not limit > 0:
            raise ValueError(f"A rise or fall must be above 0. Received: {limit}")
        before, cost_before = self.points[0], 0.0
        for point in self.points[1:]:
            cost = worse(point)
            if cost is None:  # Beyond any rise, but nobody knows how far.
                return before.amount
            if cost >= limit:
                part = (limit - cost_before) / (cost - cost_before)
                return before.amount + part * (point.amount - before.amount)
            before, cost_before = point, cost
        return None

    def refined(
        self, score: Callable[[float], LossAndAccuracy], rises: Sequence[float], steps: int = 5
    ) -> "CompressionCurve":
        """The curve with further points where the loss reaches some rises, by bisection.

        Args:
            score: The score at an amount.
            rises: The rises that are searched for.
            steps: How often the interval that holds a rise is halved.
        """
        curve = self
        for rise in rises:
            for _ in range(steps):
                place = curve._interval(rise)
                if place is None:
                    break
                amount = 0.5 * (curve.points[place - 1].amount + curve.points[place].amount)
                new = CurvePoint.of(amount, score(amount))
                curve = replace(curve, points=(*curve.points[:place], new, *curve.points[place:]))
        return curve

    def _interval(self, rise: float) -> int | None:
        rises = [self._rise(point) for point in self.points]
        beyond = [one is None or one >= rise for one in rises]
        return beyond.index(True) if any(beyond) else None
