"""The Pareto front: what cannot be improved in one respect without a loss in another."""

from collections.abc import Sequence

import numpy as np


def pareto_front(gains: Sequence[float], costs: Sequence[float]) -> list[int]:
    """The points that no other point beats: none has at least their gain at no higher cost, and one of both better.

    Args:
        gains: What should be high, such as accuracies; finite.
        costs: What should be low, such as RLCTs; as many, finite.

    Returns:
        Their numbers, counted from 0, from the lowest cost to the highest. Of equal points all.

    Raises:
        ValueError: If the lengths differ, or a number is not finite.

    Example:

    >>> pareto_front(gains=[0.9, 0.95, 0.94, 0.8], costs=[10, 30, 40, 12])
    [0, 1]
    """
    points = np.array([gains, costs], dtype=float) if len(gains) == len(costs) else np.empty(0)
    if points.shape != (2, len(costs)) or not np.isfinite(points).all():
        raise ValueError(
            f"gains and costs must be equally many finite numbers. Received: gains={list(gains)}, costs={list(costs)}"
        )
    front, best, best_cost = [], -np.inf, np.inf
    for place in np.lexsort((-points[0], points[1])):
        gain, cost = points[:, place]
        if gain > best or (gain == best and cost == best_cost):
            front.append(int(place))
            best, best_cost = gain, cost
    return front
