import pytest

from keras_selfmodel.statistics import difference
from keras_selfmodel.studies import comparisons, studies_of
from keras_selfmodel.studies.comparison import all_comparisons
from tests.studies.made_up import made_up_grid, made_up_run


def _study(runs):
    (study,) = studies_of(runs)
    return study


def test_every_weight_of_every_size_is_compared_with_its_own_baseline():
    study = _study(made_up_grid(hiddens=(64, 512), weights=(0, 1, 10), seeds=(1, 2, 3)))
    found = comparisons(study, "rlct")
    assert [(one.hidden, one.aux_weight) for one in found] == [(64, 1), (64, 10), (512, 1), (512, 10)]
    for one, series in zip(found, [study.series[0]] * 2 + [study.series[1]] * 2, strict=True):
        group = next(group for group in series.groups if group.aux_weight == one.aux_weight)
        assert one.difference == difference(group.values("rlct"), series.baseline.values("rlct"))
        assert one.difference.test == "paired"


def test_the_family_is_all_sizes_and_weights_of_one_measure():
    found = comparisons(_study(made_up_grid(hiddens=(64, 512), weights=(0, 1, 10))), "weight_spread")
    smallest = min(found, key=lambda one: one.difference.p)
    assert smallest.p_holm == pytest.approx(min(1, 4 * smallest.difference.p))
    largest = max(found, key=lambda one: one.difference.p)
    assert largest.p_holm == pytest.approx(max(one.p_holm for one in found))


def test_a_single_seed_is_compared_without_a_test_and_is_none_of_the_family():
    runs = made_up_grid(hiddens=(64,), weights=(0, 1)) + [made_up_run(50.0, 1, hidden=64, rlct=20.0)]
    found = {one.aux_weight: one for one in comparisons(_study(runs), "rlct")}
    assert found[50].p_holm is None and found[50].difference.p is None
    assert found[1].p_holm == pytest.approx(found[1].difference.p)


def test_without_a_baseline_or_the_measure_there_is_nothing_to_compare():
    assert comparisons(_study(made_up_grid(weights=(1, 10))), "rlct") == []
    assert comparisons(_study(made_up_grid(weights=(0, 10), rlct=None)), "rlct") == []
    assert comparisons(_study(made_up_grid(weights=(0, 10))), "self_prediction_r2") == []


def test_all_measures_are_found_by_name_size_and_weight():
    found = all_comparisons(_study(made_up_grid(hiddens=(64,), weights=(0, 10))))
    assert set(found) == {
        (name, 64, 10.0) for name in ("accuracy", "weight_spread", "weight_interquartile_range", "rlct")
    }
