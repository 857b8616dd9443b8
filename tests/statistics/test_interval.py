import math

import pytest

from keras_selfmodel.statistics import mean_interval


def test_the_interval_of_three_numbers_is_the_one_worked_by_hand():
    # Mean 2, s = 1, t(0.975, 2) = 4.302653 in every table.
    interval = mean_interval([1.0, 2.0, 3.0])
    assert interval.mean == 2 and interval.count == 3
    assert interval.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert (interval.low, interval.high) == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-5)


def test_another_level_takes_another_quantile():
    # t(0.95, 2) = 2.919986.
    assert mean_interval([1.0, 2.0, 3.0], 0.9).half_width == pytest.approx(2.919986 / math.sqrt(3), rel=1e-6)


def test_two_numbers_have_a_wide_interval():
    # t(0.975, 1) = 12.706205, s = √2/2, s/√2 = 0.5.
    assert mean_interval([0.0, 1.0]).half_width == pytest.approx(12.706205 * 0.5, rel=1e-6)


def test_one_number_has_no_interval():
    interval = mean_interval([5.0])
    assert (interval.mean, interval.half_width, interval.low, interval.high, interval.count) == (5, None, None, None, 1)


def test_no_numbers_have_none():
    assert mean_interval([]) is None


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_a_number_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        mean_interval([1.0, value])


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_fraction(level):
    with pytest.raises(ValueError, match=f"level={level}"):
        mean_interval([1.0, 2.0], level)
