import pytest

from keras_selfmodel.studies import paper_comparisons, studies_of
from tests.studies.made_up import made_up_run


def _found(runs) -> dict:
    (study,) = studies_of(runs)
    return {(one.measure.name, one.aux_weight): one for one in paper_comparisons(study)}


def test_every_number_of_the_paper_stands_beside_ours():
    # The paper: spread 0.088, RLCT 52.5 and no accuracy at AW 10; 0.097, 58 and 0.975 at AW 0.
    runs = [made_up_run(weight, seed, rlct=53.0 + seed) for weight in (0.0, 10.0) for seed in (1, 2, 3)]
    found = _found(runs)
    assert set(found) == {(name, 0.0) for name in ("weight_spread", "rlct", "accuracy")} | {
        (name, 10.0) for name in ("weight_spread", "rlct")
    }
    assert found["rlct", 10].paper == 52.5 and found["rlct", 10].difference == pytest.approx(2.5)
    # 55 ± 2.48, and ±1 of reading.
    assert found["rlct", 10].agrees is True and found["rlct", 0].agrees is True
    # 0.09 of every run, ±0.001 of reading.
    assert found["weight_spread", 10].agrees is False


def test_a_single_seed_neither_agrees_nor_disagrees():
    assert _found([made_up_run(10.0, 1)])["rlct", 10].agrees is None


def test_a_weight_that_the_paper_lacks_is_left_out():
    found = _found([made_up_run(weight, 1) for weight in (10.0, 15.0)])
    assert {weight for _, weight in found} == {10.0}


@pytest.mark.parametrize("changes", [{"epochs": 3}, {"is_subset": True, "paper": None}, {"hidden": 100}])
def test_other_settings_or_data_have_no_figures_of_the_paper(changes):
    assert _found([made_up_run(10.0, 1, **changes)]) == {}
