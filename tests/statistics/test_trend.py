import itertools

import numpy as np
import pytest
import scipy.stats

from keras_selfmodel.statistics import spearman_trend, trend


def _ranks(numbers) -> np.ndarray:
    """Ranks from 1, ties sharing their mean."""
    numbers = np.asarray(numbers)
    return np.array([(numbers < n).sum() + ((numbers == n).sum() + 1) / 2 for n in numbers])


def _rho(x, y) -> float:
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def test_rho_is_pearsons_correlation_of_the_ranks():
    weights = [0, 0, 1, 1, 5, 5, 10, 10, 50, 50]
    values = np.random.default_rng(1).normal(size=10).tolist()
    assert spearman_trend(weights, values).rho == pytest.approx(_rho(weights, values))


@pytest.mark.parametrize("values", [[3.0, 2.5, 2.7, 1.0, 2.0], [1.0, 5.0, 2.0, 4.0, 3.0]])
def test_p_is_the_part_of_all_permutations_that_are_as_extreme(values):
    weights = [0, 1, 5, 10, 20]
    rho = abs(_rho(weights, values))
    extreme = [abs(_rho(weights, order)) >= rho - 1e-12 for order in itertools.permutations(values)]
    assert spearman_trend(weights, values).p == pytest.approx(np.mean(extreme))


def test_three_runs_prove_nothing():
    trend = spearman_trend([0, 10, 50], [3.0, 2.0, 1.0])
    assert trend.rho == pytest.approx(-1) and trend.p == pytest.approx(1 / 3) and trend.count == 3


def test_many_falling_runs_leave_no_doubt_and_always_the_same():
    weights, values = sorted([0, 1, 5, 10] * 5), [float(-n) for n in range(20)]
    assert spearman_trend(weights, values).p < 0.001
    assert spearman_trend(weights, values) == spearman_trend(weights, values)


@pytest.mark.parametrize(("weights", "values"), [([1, 1, 1], [1.0, 2.0, 3.0]), ([1, 2, 3], [1.0, 1.0, 1.0]), ([], [])])
def test_what_does_not_vary_has_no_trend(weights, values):
    assert spearman_trend(weights, values) is None


def test_each_weight_needs_a_value():
    with pytest.raises(ValueError, match="2 and 1"):
        spearman_trend([0, 1], [1.0])


def test_many_runs_have_the_p_value_of_permutations(monkeypatch):
    """600 runs by t, and by 9,999 permutations, whose share has a standard error of √(p (1 − p) / 9,999) ≤ 0.005."""
    rng = np.random.default_rng(2)
    weights = np.repeat([0, 1, 5, 10], 150).tolist()
    values = (rng.normal(size=600) + 0.025 * np.array(weights)).tolist()
    by_t = spearman_trend(weights, values)
    monkeypatch.setattr(trend, "MANY", 601)
    by_permutations = spearman_trend(weights, values)
    assert by_t.rho == pytest.approx(by_permutations.rho, abs=1e-12) and 0.02 < by_t.p < 0.5
    assert by_t.p == pytest.approx(by_permutations.p, abs=0.015)


def test_the_trend_of_many_runs_is_that_of_scipy():
    weights = np.repeat([0.0, 1.0, 10.0], 200)
    values = np.round(np.random.default_rng(3).normal(size=600) - 0.01 * weights, 1)
    found, wanted = spearman_trend(weights, values), scipy.stats.spearmanr(weights, values)
    assert (found.rho, found.p) == pytest.approx((wanted.statistic, wanted.pvalue), rel=1e-9)
    assert spearman_trend(range(600), range(600)) == trend.Trend(1.0, 0.0, 600)
