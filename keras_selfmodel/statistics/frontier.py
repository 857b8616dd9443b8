"""What an objective reaches at a given accuracy, interpolated between its strengths."""

import itertools
from collections.abc import Sequence

# Between networks whose accuracies lie further apart, a straight line says nothing: one of them has collapsed.
WIDEST_GAP = 0.05


def lowest_at(accuracy: float, points: Sequence[tuple[float, float]]) -> float | None:
    """The lowest value of a measure on the way through some networks, where it has a given accuracy.

    The way goes in straight lines from one network to the next. Where it has the accuracy several times, as when a
    little dropout raises it, the lowest value counts, in favor of whatever the networks were trained on.

    Args:
        accuracy: The accuracy, a fraction.
        points: Accuracy and measure of the networks of one seed, by rising strength, the baseline first.

    Returns:
        The value, or `None` if no line meets the accuracy. Lines whose ends are more than 5 points apart do not count.

    Example:

    >>> round(lowest_at(0.96, [(0.97, 50.0), (0.95, 40.0), (0.96, 48.0)]), 3)
    45.0
    """
    found = []
    for (start, first), (end, last) in itertools.pairwise(points):
        if min(start, end) <= accuracy <= max(start, end) and abs(end - start) <= WIDEST_GAP:
            part = (accuracy - start) / (end - start) if end != start else float(last < first)
            found.append(first + part * (last - first))
    return min(found, default=None)
