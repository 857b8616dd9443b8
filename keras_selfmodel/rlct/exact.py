"""Learning coefficients that are known in closed form, as exact fractions."""

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import NamedTuple


class LearningCoefficient(NamedTuple):
    """The RLCT λ and its multiplicity m: the free energy is nL + λ ln n − (m − 1) ln ln n + O(1)."""

    value: Fraction
    multiplicity: int


def regular(parameters: int) -> LearningCoefficient:
    """A regular model: λ = d/2.

    Args:
        parameters: d ≥ 1, the number of parameters.

    Example:

    >>> float(regular(7).value)
    3.5
    """
    _check_sizes(parameters=parameters)
    return LearningCoefficient(Fraction(parameters, 2), 1)


def normal_crossing(orders: Sequence[int], prior_orders: Sequence[int] | None = None) -> LearningCoefficient:
    """K(w) = Π wᵢ^(2kᵢ) with a prior density like Π |wᵢ|^hᵢ: λ = min (hᵢ + 1)/(2kᵢ), m the number of ties.

    Args:
        orders: kᵢ ≥ 0, at least one positive.
        prior_orders: hᵢ ≥ 0; `None` for a prior that does not vanish.

    Raises:
        ValueError: If the lengths differ or no order is positive.

    Reference:
        Watanabe, Algebraic Geometry and Statistical Learning Theory, 2009.

    Example:

    >>> normal_crossing([1, 1])
    LearningCoefficient(value=Fraction(1, 2), multiplicity=2)
    """
    prior_orders = [0] * len(orders) if prior_orders is None else prior_orders
    if len(prior_orders) != len(orders) or not any(orders) or min(*orders, *prior_orders, 0) < 0:
        raise ValueError(
            "orders and prior_orders must be as many whole numbers ≥ 0, one order at least positive. "
            f"Received: orders={list(orders)}, prior_orders={list(prior_orders)}"
        )
    poles = [Fraction(h + 1, 2 * k) for k, h in zip(orders, prior_orders, strict=True) if k]
    return LearningCoefficient(min(poles), poles.count(min(poles)))


def sum_of_powers(orders: Sequence[int]) -> LearningCoefficient:
    """K(w) = Σ wᵢ^(2kᵢ): λ = Σ 1/(2kᵢ).

    Args:
        orders: kᵢ ≥ 1.

    Example:

    >>> sum_of_powers([1, 2]).value
    Fraction(3, 4)
    """
    _check_sizes(**{f"orders[{i}]": k for i, k in enumerate(orders)})
    return LearningCoefficient(sum((Fraction(1, 2 * k) for k in orders), Fraction(0)), 1)


def tanh_network(hidden: int) -> LearningCoefficient:
    """A network of one input, one layer of tanh units and one output, no biases, whose true function is 0.

        λ = (H + i² + i)/(4i + 2),  i = ⌊√H⌋;  m = 2 if i² = H, else 1

    It is the value at w* = 0, where all weights vanish.

    Args:
        hidden: H ≥ 1, the number of units.

    Reference:
        Aoyagi & Watanabe, "Resolution of singularities and the generalization error with Bayesian estimation for
        layered neural network", IEICE Transactions J88-D-II, 2005.

    Example:

    >>> tanh_network(4)
    LearningCoefficient(value=Fraction(1, 1), multiplicity=2)
    """
    _check_sizes(hidden=hidden)
    i = math.isqrt(hidden)
    return LearningCoefficient(Fraction(hidden + i * i + i, 4 * i + 2), 2 if i * i == hidden else 1)


def reduced_rank_regression(inputs: int, hidden: int, outputs: int, rank: int) -> LearningCoefficient:
    """A linear network with one hidden layer, at its most singular true parameter.

    Args:
        inputs: m.
        hidden: h.
        outputs: n.
        rank: r ≤ min(m, h, n), the rank of the true map.

    Raises:
        ValueError: If a size is not positive or the rank is impossible.

    Reference:
        Aoyagi & Watanabe, "Stochastic complexities of reduced rank regression", Neural Networks 18, 2005.

    Example:

    >>> reduced_rank_regression(5, 5, 5, 2).value
    Fraction(23, 2)
    """
    _check_linear((inputs, hidden, outputs), rank)
    m, h, n, r = inputs, hidden, outputs, rank
    if m + h < n + r:
        return LearningCoefficient(Fraction(h * m - h * r + n * r, 2), 1)
    if n + h < m + r:
        return LearningCoefficient(Fraction(h * n - h * r + m * r, 2), 1)
    if m + n < h + r:
        return LearningCoefficient(Fraction(m * n, 2), 1)
    odd = (m + h + n + r) % 2
    eighths = -((h + r) ** 2) - m**2 - n**2 + 2 * (h + r) * (m + n) + 2 * m * n + odd
    return LearningCoefficient(Fraction(eighths, 8), 1 + odd)


def deep_linear(widths: Sequence[int], rank: int) -> LearningCoefficient:
    """A deep linear network, at its most singular true parameter.

    Args:
        widths: H₀ … H_L, inputs and outputs included, at least two.
        rank: r ≤ min(widths), the rank of the true map.

    Raises:
        ValueError: If a width is not positive or the rank is impossible.

    Reference:
        Aoyagi, "Consideration on the learning efficiency of multiple-layered neural networks with linear units",
        Neural Networks 172, 2024, theorem 1.

    Example:

    >>> deep_linear([4, 4, 4], 0)
    LearningCoefficient(value=Fraction(6, 1), multiplicity=1)
    """
    _check_linear(widths, rank)
    excess = sorted(width - rank for width in widths)
    count = _aoyagi_set_size(excess)
    chosen, l = excess[:count], count - 1  # noqa: E741 (the paper's letter)
    total = sum(chosen)
    a = total - (math.ceil(Fraction(total, l)) - 1) * l
    value = (
        Fraction(rank * (widths[0] + widths[-1]) - rank**2, 2)
        + Fraction(a * (l - a), 4 * l)
        - Fraction((l - 1) * total**2, 4 * l)
        + Fraction(sum(x * y for x, y in combinations(chosen, 2)), 2)
    )
    return LearningCoefficient(value, a * (l - a) + 1)


def deep_linear_by_codimension(widths: Sequence[int], rank: int) -> Fraction:
    """λ of a deep linear network as half the codimension of the set of true parameters, without multiplicity.

        λ = [r(H₀ + H_L − r) + c(H₀ − r, …, H_L − r)]/2,
        c(M₀, M₁) = M₀M₁,   c(M₀, …, M_L) = min over t of (M₀ − t)(M₁ − t) + c(t, M₂, …, M_L)

    A second way to `deep_linear`'s number, easier to trust; slower for many wide layers.

    Example:

    >>> deep_linear_by_codimension([4, 4, 4], 0)
    Fraction(6, 1)
    """
    _check_linear(widths, rank)
    codimension = _codimension(tuple(width - rank for width in widths))
    return Fraction(rank * (widths[0] + widths[-1] - rank) + codimension, 2)


def local_two_layer(inputs: int, hidden: int, outputs: int, rank: int, first: int, second: int) -> Fraction:
    """The LOCAL λ of a linear network with one hidden layer, at a true parameter with layers of given ranks.

    It is what an estimator started at that parameter has to find; `reduced_rank_regression` is the smallest of these.

    Args:
        inputs: m.
        hidden: h.
        outputs: n.
        rank: r, the rank of the product.
        first: Rank of the first layer, r ≤ first ≤ min(m, h).
        second: Rank of the second layer, r ≤ second ≤ min(h, n), with first + second ≤ h + r.

    Raises:
        ValueError: If no such parameter exists.

    Example:

    >>> local_two_layer(5, 5, 5, 2, 2, 5)
    Fraction(25, 2)
    """
    m, h, n, r = inputs, hidden, outputs, rank
    _check_linear((m, h, n), r)
    if not (r <= first <= min(m, h) and r <= second <= min(h, n) and first + second <= h + r):
        raise ValueError(
            f"No layers of ranks {first} and {second} have a product of rank {r} in a {m}-{h}-{n} network. Received: "
            f"first={first}, second={second}; possible: {r} … {min(m, h)} and {r} … {min(h, n)}, together ≤ {h + r}"
        )
    codimensions = [
        r * (m + n - r) + (m - a) * (h - a) + (a - r) * (n - r) + (h - a - b + r) * (n - b)
        for a in range(first, min(m, h) + 1)
        for b in range(second, min(h, n) + 1)
        if a + b <= h + r
    ]
    return Fraction(min(codimensions), 2)


def _aoyagi_set_size(excess: list[int]) -> int:
    """|S| = l + 1: how many of the sorted M belong to Aoyagi's set S, which is unique."""
    for count in range(2, len(excess) + 1):
        l, total = count - 1, sum(excess[:count])  # noqa: E741
        following = excess[count] if count < len(excess) else math.inf
        if excess[count - 1] < following and l * excess[count - 1] <= total < l * following:
            return count
    raise AssertionError(f"no set S for {excess}: the theorem says there is one")


@cache
def _codimension(excess: tuple[int, ...]) -> int:
    if len(excess) == 2:
        return excess[0] * excess[1]
    return min((excess[0] - t) * (excess[1] - t) + _codimension((t, *excess[2:])) for t in range(min(excess[:2]) + 1))


def _check_linear(widths: Sequence[int], rank: int) -> None:
    if len(widths) < 2:
        raise ValueError(f"A network has at least inputs and outputs. Received: widths={list(widths)}")
    _check_sizes(**{f"widths[{i}]": width for i, width in enumerate(widths)})
    if not 0 <= rank <= min(widths):
        raise ValueError(f"The rank lies in 0 … {min(widths)}, the least width. Received: rank={rank}")


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1. Received: {size}")
