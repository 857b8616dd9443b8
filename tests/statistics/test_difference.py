import math

import numpy as np
import pytest

from keras_selfmodel.statistics import difference


def _p_of_two_degrees(t: float) -> float:
    """Two-sided p of Student's t with 2 degrees of freedom, which has a closed form."""
    return 1 - abs(t) / math.sqrt(2 + t * t)


def test_the_same_seeds_are_paired_as_worked_by_hand():
    # Differences −1, −2, −1: mean −4/3, s = 1/√3, t = −4.
    found = difference({1: 1.0, 2: 2.0, 3: 4.0}, {3: 5.0, 2: 4.0, 1: 2.0})
    assert found.test == "paired" and found.effect_name == "d_z"
    assert found.estimate.mean == pytest.approx(-4 / 3)
    assert found.estimate.half_width == pytest.approx(4.302653 / 3, rel=1e-6)
    assert found.p == pytest.approx(_p_of_two_degrees(-4), rel=1e-9)
    assert found.effect_size == pytest.approx(-4 / 3 * math.sqrt(3))
    assert found.reference == pytest.approx(11 / 3)
    assert found.relative == pytest.approx(-4 / 11)


def test_other_seeds_are_compared_by_welch_as_worked_by_hand():
    # Equal sizes and variances: Welch's test is then Student's with 2n − 2 = 4 degrees of freedom.
    found = difference({1: 1.0, 2: 2.0, 3: 3.0}, {4: 4.0, 5: 5.0, 6: 6.0})
    assert found.test == "Welch" and found.effect_name == "g"
    assert found.estimate.mean == pytest.approx(-3)
    # t(0.975, 4) = 2.776445, standard error √(2/3).
    assert found.estimate.half_width == pytest.approx(2.776445 * math.sqrt(2 / 3), rel=1e-6)
    # d = −3/1, J = 1 − 3/15.
    assert found.effect_size == pytest.approx(-3 * 0.8)
    t = -3 / math.sqrt(2 / 3)
    # The closed form for 4 degrees of freedom.
    x = t / math.sqrt(4 + t * t)
    assert found.p == pytest.approx(1 - abs(x) * (1.5 - 0.5 * x * x), rel=1e-9)


def test_the_degrees_of_freedom_are_welchs():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 3, 4), rng.normal(1, 0.5, 9)
    found = difference(dict(enumerate(a)), dict(enumerate(b, start=100)))
    u, v = a.var(ddof=1) / 4, b.var(ddof=1) / 9
    freedom = (u + v) ** 2 / (u**2 / 3 + v**2 / 8)
    # The interval's half width is t(0.975, df) standard errors: 2.5 … 3.2 for df between 3 and 5.
    quantile = found.estimate.half_width / math.sqrt(u + v)
    assert 3 < freedom < 5
    assert 2.57 < quantile < 3.19
    # t's density is integrated here, so that no table is needed.
    t = np.linspace(-quantile, quantile, 200001)
    density = (1 + t * t / freedom) ** (-(freedom + 1) / 2)
    density *= math.gamma((freedom + 1) / 2) / (math.sqrt(freedom * math.pi) * math.gamma(freedom / 2))
    assert np.trapezoid(density, t) == pytest.approx(0.95, abs=1e-6)


def test_a_seed_that_is_missing_on_one_side_makes_it_welch():
    assert difference({1: 1.0, 2: 2.5}, {1: 2.0, 2: 3.0, 3: 5.0}).test == "Welch"


def test_one_seed_has_a_difference_but_no_test():
    found = difference({1: 1.0}, {1: 3.0})
    assert (found.estimate.mean, found.estimate.half_width, found.p, found.effect_size) == (-2, None, None, None)
    found = difference({1: 1.0}, {2: 3.0, 3: 5.0})
    assert (found.estimate.mean, found.estimate.half_width, found.p, found.effect_size) == (-3, None, None, None)


@pytest.mark.parametrize("seeds", [(1, 2, 3), (4, 5, 6)])
def test_values_that_do_not_scatter_divide_by_nothing(seeds):
    same = difference(dict.fromkeys(seeds, 0.3), {1: 0.3, 2: 0.3, 3: 0.3})
    assert (same.estimate.mean, same.estimate.half_width, same.p, same.effect_size) == (0, 0, 1, None)
    other = difference(dict.fromkeys(seeds, 0.1), {1: 0.3, 2: 0.3, 3: 0.3})
    assert other.p == 0 and other.effect_size is None
    assert other.estimate.mean == pytest.approx(-0.2)


def test_two_pairs_that_differ_by_the_same_prove_nothing():
    found = difference({1: 0.91, 2: 0.93}, {1: 0.90, 2: 0.92})
    assert found.estimate.mean == pytest.approx(0.01)
    assert (found.estimate.half_width, found.p, found.effect_size) == (None, None, None)
    same = difference({1: 0.91, 2: 0.93}, {1: 0.91, 2: 0.93})
    assert (same.estimate.mean, same.estimate.half_width, same.p) == (0, None, 1)


def test_equal_values_differ_by_nothing_however_their_means_are_rounded():
    # The mean of five times 0.97 is not 0.97 in floating point.
    for few in (3, 5):
        found = difference(dict.fromkeys(range(5), 0.97), dict.fromkeys(range(10, 10 + few), 0.97))
        assert (found.test, found.estimate.mean, found.p) == ("Welch", 0, 1)
    # 0.1 + 0.2 is 0.3 and one unit in the last place.
    found = difference({1: 0.1 + 0.2, 2: 0.3, 3: 0.1 + 0.2}, {1: 0.3, 2: 0.3, 3: 0.3})
    assert (found.test, found.estimate.mean, found.estimate.half_width, found.p) == ("paired", 0, 0, 1)


def test_one_group_alone_may_not_scatter():
    # The standard error is that of the other group, 1/√3, with its 2 degrees of freedom.
    found = difference({4: 0.1, 5: 0.1, 6: 0.1}, {1: 1.1, 2: 2.1, 3: 3.1})
    assert found.estimate.mean == pytest.approx(-2)
    assert found.estimate.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert found.p == pytest.approx(_p_of_two_degrees(-2 * math.sqrt(3)), rel=1e-9)


def test_an_empty_group_is_refused():
    with pytest.raises(ValueError, match="1 and 0"):
        difference({1: 1.0}, {})


def test_a_reference_of_zero_has_no_relative_difference():
    assert difference({1: 1.0, 2: 2.0}, {1: 0.0, 2: 0.0}).relative is None
