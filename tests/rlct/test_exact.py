"""Closed forms against each other and against direct computation."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from keras_selfmodel.rlct import exact


def cases(layers, largest):
    for widths in product(range(1, largest + 1), repeat=layers + 1):
        for rank in range(min(widths) + 1):
            yield widths, rank


def test_aoyagis_theorem_equals_the_codimension_of_the_true_parameters():
    checked = 0
    for layers, largest in [(1, 6), (2, 6), (3, 4), (4, 3)]:
        for widths, rank in cases(layers, largest):
            assert exact.deep_linear(widths, rank).value == exact.deep_linear_by_codimension(widths, rank)
            checked += 1
    assert checked > 1500


def test_reduced_rank_regression_is_the_deep_linear_network_of_two_layers():
    for widths, rank in cases(2, 7):
        assert exact.reduced_rank_regression(*widths, rank) == exact.deep_linear(widths, rank)


def test_one_layer_is_regular():
    for widths, rank in cases(1, 5):
        assert exact.deep_linear(widths, rank) == exact.regular(widths[0] * widths[1])


def test_local_coefficient_is_least_at_the_most_singular_parameter():
    for (m, h, n), rank in cases(2, 5):
        values = {
            (a, b): exact.local_two_layer(m, h, n, rank, a, b)
            for a in range(rank, min(m, h) + 1)
            for b in range(rank, min(h, n) + 1)
            if a + b <= h + rank
        }
        assert min(values.values()) == values[rank, rank] == exact.reduced_rank_regression(m, h, n, rank).value


def test_published_values():
    # RLCT notes of the benchmark: a 5-5-5 network scored 11.5 has the local coefficient 12.5 where W₁ has rank 2.
    assert exact.reduced_rank_regression(5, 5, 5, 2).value == Fraction(23, 2)
    assert exact.local_two_layer(5, 5, 5, 2, 2, 5) == Fraction(25, 2)


@pytest.mark.parametrize(
    ("orders", "prior_orders"), [((1, 1), (0, 0)), ((1, 2), (0, 0)), ((2, 1), (1, 0)), ((3,), (0,)), ((0, 2), (3, 1))]
)
def test_normal_crossing_equals_quadrature_of_the_partition_function(orders, prior_orders):
    # With u = K(w), Z(n) = ∫ e^(−nK) prior dw; for one variable w^(2k)·|w|^h the density of t = −ln u is exponential
    # with rate (h+1)/(2k), for several their convolution. So Z is an integral over t, done on a fine grid.
    rates = [(h + 1) / (2 * k) for k, h in zip(orders, prior_orders, strict=True) if k]
    t = np.linspace(0, 200, 400_001)
    density = rates[0] * np.exp(-rates[0] * t)
    for rate in rates[1:]:
        if rate == rates[0]:
            density = rate**2 * t * np.exp(-rate * t)
        else:
            density = rates[0] * rate / (rate - rates[0]) * (np.exp(-rates[0] * t) - np.exp(-rate * t))

    def log_partition(log_n):
        return np.log(np.trapezoid(np.exp(-np.exp(np.minimum(log_n - t, 700))) * density, t))

    value, multiplicity = exact.normal_crossing(orders, prior_orders)
    log_n = np.array([40.0, 60.0])
    free_energy = -np.array([log_partition(x) for x in log_n])
    wanted = float(value) * log_n - (multiplicity - 1) * np.log(log_n)
    # Differences cancel the O(1) term; what is left is O(1/ln n) where m > 1.
    assert np.diff(free_energy)[0] == pytest.approx(np.diff(wanted)[0], abs=0.02)


def test_tanh_network_is_the_least_of_the_candidates_its_blow_ups_give():
    # Every i ≥ 0 gives a pole (H + i² + i)/(4i + 2); λ is the least, m how many tie. One unit is the crossing a·b.
    assert exact.tanh_network(1) == exact.normal_crossing([1, 1])
    for hidden in range(1, 40):
        poles = [Fraction(hidden + i * i + i, 4 * i + 2) for i in range(hidden + 1)]
        assert exact.tanh_network(hidden) == (min(poles), poles.count(min(poles)))


@pytest.mark.parametrize("orders", [(1,), (1, 2), (2, 3)])
def test_sum_of_powers_equals_quadrature(orders):
    w = np.linspace(-1, 1, 2_000_001)

    def log_partition(n):
        return sum(np.log(np.trapezoid(np.exp(-n * w ** (2 * k)), w)) for k in orders)

    slope = -(log_partition(1e8) - log_partition(1e6)) / np.log(100)
    assert slope == pytest.approx(float(exact.sum_of_powers(orders).value), abs=1e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: exact.regular(0),
        lambda: exact.normal_crossing([0, 0]),
        lambda: exact.normal_crossing([1], [0, 0]),
        lambda: exact.sum_of_powers([1, 0]),
        lambda: exact.tanh_network(0),
        lambda: exact.reduced_rank_regression(2, 3, 4, 3),
        lambda: exact.deep_linear([3], 0),
        lambda: exact.deep_linear([3, 0, 3], 0),
        lambda: exact.local_two_layer(5, 5, 5, 2, 1, 5),
        lambda: exact.local_two_layer(5, 5, 5, 2, 4, 4),
    ],
)
def test_impossible_cases_say_what_was_received(call):
    with pytest.raises(ValueError, match="Received"):
        call()
