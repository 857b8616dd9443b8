"""Holm's correction for many tests."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusts p values so that a family of tests has the error rate of a single one.

    The m p values in rising order become p̃₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1)·p₍ⱼ₎). Rejecting where p̃ ≤ α
    makes a false rejection anywhere in the family at most α likely, whatever the dependence of the tests.

    Args:
        p_values: The p value of each test of the family.

    Returns:
        The adjusted ones, in the same order.

    Raises:
        ValueError: If one lies outside 0 … 1.

    Reference:
        S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).

    Example:

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    for p in p_values:
        if not 0 <= p <= 1:
            raise ValueError(f"p values must lie in 0 … 1. Received: {p}")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
