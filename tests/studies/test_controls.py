import dataclasses

import pytest

from keras_selfmodel.statistics.frontier import lowest_at
from keras_selfmodel.studies import MATCHED, claims, controls, matched_comparisons, paper_comparisons, studies_of
from tests.studies.made_up import made_up_grid, made_up_run


@pytest.mark.parametrize(
    ("accuracy", "wanted"),
    [
        (0.97, 50.0),  # a network
        (0.96, 45.0),  # half the way from 50 to 40
        (0.955, 42.5),
        (0.94, None),  # below all
        (0.98, None),  # above all
    ],
)
def test_between_two_networks_the_way_is_a_straight_line(accuracy, wanted):
    found = lowest_at(accuracy, [(0.97, 50.0), (0.95, 40.0)])
    assert found == (None if wanted is None else pytest.approx(wanted))


def test_where_the_way_comes_by_twice_the_lower_value_counts():
    # Up to 0.98 and back: at 0.975 first (50 + 48) / 2 = 49, then 48 − 8 · ½ = 44.
    assert lowest_at(0.975, [(0.97, 50.0), (0.98, 48.0), (0.97, 40.0)]) == pytest.approx(44.0)


def test_networks_of_one_accuracy_reach_the_lower_of_their_values():
    assert lowest_at(0.97, [(0.97, 50.0), (0.97, 47.0)]) == 47.0
    assert lowest_at(0.97, [(0.97, 47.0), (0.97, 50.0)]) == 47.0


def test_no_line_is_drawn_to_a_collapsed_network_and_one_network_is_no_way():
    assert lowest_at(0.93, [(0.97, 50.0), (0.91, 10.0)]) is None
    assert lowest_at(0.93, [(0.95, 50.0), (0.91, 10.0)]) == pytest.approx(30.0)
    assert lowest_at(0.97, [(0.97, 50.0)]) is None


def _runs(measures: dict[tuple[str, float], list[tuple[float, float]]], **changes) -> list:
    """Runs with (accuracy, RLCT) of seeds 1, 2, … by objective and strength."""
    return [
        made_up_run(
            weight, seed, objective=objective, accuracy=accuracy, rlct=rlct, weight_spread=abs(rlct) / 1000, **changes
        )
        for (objective, weight), values in measures.items()
        for seed, (accuracy, rlct) in enumerate(values, 1)
    ]


THREE_SEEDS = {
    ("self-modeling", 0.0): [(0.97, 50.0), (0.97, 52.0), (0.97, 51.0)],
    ("self-modeling", 10.0): [(0.96, 40.0), (0.96, 43.0), (0.965, 44.0)],
    ("dropout", 0.5): [(0.95, 46.0), (0.95, 48.0), (0.95, 47.0)],
}


def test_the_difference_is_paired_by_seed_at_the_accuracy_of_each_network():
    (found,) = controls(studies_of(_runs(THREE_SEEDS)))
    (one,) = matched_comparisons(found, "rlct")
    # Dropout at 0.96, 0.96 and 0.965: 48, 50 and 50. Differences −8, −7, −6: mean −7, s = 1, t(0.975, 2) = 4.302653.
    assert (one.control, one.aux_weight, one.hidden, one.seeds, one.reached) == ("dropout", 10.0, 512, 3, 3)
    assert one.difference.test == "paired"
    assert one.difference.estimate.mean == pytest.approx(-7)
    assert one.difference.estimate.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert one.difference.reference == pytest.approx(148 / 3)
    # t = −7√3 with 2 degrees of freedom: p = 1 − |t|/√(2 + t²).
    assert one.p_holm == pytest.approx(1 - (147 / 149) ** 0.5) and one.verdict == "lower"
    spread = matched_comparisons(found, "weight_spread")[0].difference.estimate
    assert spread.mean == pytest.approx(-0.007)


def test_holms_correction_is_over_all_controls_and_weights():
    measures = THREE_SEEDS | {("signs", 1.0): [(0.95, 29.0), (0.95, 43.0), (0.95, 47.0)]}
    (found,) = controls(studies_of(_runs(measures)))
    signs, dropout = matched_comparisons(found, "rlct")
    assert (signs.control, dropout.control) == ("signs", "dropout")
    assert dropout.difference.p < signs.difference.p
    assert dropout.p_holm == pytest.approx(2 * dropout.difference.p)
    assert signs.p_holm == signs.difference.p and signs.verdict == "no difference found"


def test_an_accuracy_out_of_reach_at_one_seed_is_not_enough_data():
    measures = THREE_SEEDS | {("self-modeling", 10.0): [(0.96, 40.0), (0.96, 43.0), (0.94, 44.0)]}
    (found,) = controls(studies_of(_runs(measures)))
    (one,) = matched_comparisons(found, "rlct")
    assert (one.seeds, one.reached, one.difference, one.p_holm) == (3, 2, None, None)
    assert one.verdict == "not enough data"
    assert one.to_dict()["difference"] is None


def test_one_seed_is_not_enough_data():
    (found,) = controls(studies_of(_runs({key: values[:1] for key, values in THREE_SEEDS.items()})))
    (one,) = matched_comparisons(found, "rlct")
    assert (one.reached, one.verdict) == (1, "not enough data")


def test_a_higher_complexity_is_said_to_be_higher():
    measures = THREE_SEEDS | {("self-modeling", 10.0): [(0.96, 58.0), (0.96, 60.0), (0.96, 59.1)]}
    (found,) = controls(studies_of(_runs(measures)))
    assert matched_comparisons(found, "rlct")[0].verdict == "higher"


def test_collapsed_self_models_and_measures_that_nobody_took_are_left_out():
    measures = THREE_SEEDS | {("self-modeling", 50.0): [(0.11, 1.0)] * 3}
    (found,) = controls(studies_of(_runs(measures)))
    assert [one.aux_weight for one in matched_comparisons(found, "rlct")] == [10.0]
    assert matched_comparisons(found, "rlct_descended") == [] and "rlct_descended" in MATCHED


def test_controls_share_everything_but_the_objective():
    runs = _runs(THREE_SEEDS)
    assert controls(studies_of([run for run in runs if run.recipe.objective == "self-modeling"])) == []
    shorter = [r for r in _runs(THREE_SEEDS, epochs=5) if r.recipe.objective == "dropout"]
    assert controls(studies_of([run for run in runs if run.recipe.objective == "self-modeling"] + shorter)) == []
    (found,) = controls(studies_of(runs))
    assert list(found.studies) == ["self-modeling", "dropout"]
    # The baseline is in both.
    assert [group.aux_weight for group in found.others["dropout"].series[0].groups] == [0, 0.5]


def test_the_papers_claims_and_numbers_are_about_self_modeling_alone():
    runs = made_up_grid(hiddens=(512,))
    (before,) = studies_of(runs)
    others = [dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, objective="signs")) for run in runs]
    found = studies_of(runs + [run for run in others if run.recipe.aux_weight > 0])
    assert {study.objective for study in found} == {"self-modeling", "signs"}
    self_modeling = next(study for study in found if study.objective == "self-modeling")
    assert self_modeling.title == before.title == "mnist"
    assert [c.to_dict() for c in claims(self_modeling)] == [c.to_dict() for c in claims(before)]
    assert paper_comparisons(next(study for study in found if study.objective == "signs")) == []


def test_a_baseline_stays_one_of_self_modeling_where_there_are_controls_alone():
    found = studies_of(_runs({key: values for key, values in THREE_SEEDS.items() if key != ("self-modeling", 10.0)}))
    assert {study.objective: [g.aux_weight for g in study.series[0].groups] for study in found} == {
        "self-modeling": [0],
        "dropout": [0, 0.5],
    }
