import dataclasses
import json

import numpy as np
import pytest

from keras_selfmodel.studies import STATEMENTS, claims, studies_of
from tests.studies.made_up import estimate, made_up_grid, made_up_run

# A little scatter, the same for every group, so that only the means decide.
SCATTER = (-0.001, 0.0003, 0.0007, 0.0002, -0.0002)


def _runs(by_weight: dict[float, dict], seeds: int = 5, **changes) -> list:
    """Runs with the given means; each seed's scatter differs a little from group to group."""
    rng = np.random.default_rng(0)
    return [
        made_up_run(
            float(weight),
            seed + 1,
            **{
                name: None if mean is None else mean * (1 + SCATTER[seed] + 1e-4 * rng.normal())
                for name, mean in means.items()
            },
            **changes,
        )
        for weight, means in by_weight.items()
        for seed in range(seeds)
    ]


def _answers(runs) -> dict:
    (study,) = studies_of(runs)
    return {claim.name: claim.answer for claim in claims(study)}


def _verdicts(runs) -> dict:
    return {name: answer.verdict for name, answer in _answers(runs).items()}


# The means of the paper's network of 512 units.
PAPER_512 = {
    0: {"weight_spread": 0.097, "rlct": 58, "accuracy": 0.975},
    10: {"weight_spread": 0.088, "rlct": 52.5, "accuracy": 0.970},
    50: {"weight_spread": 0.081, "rlct": 37, "accuracy": 0.968},
}
# And of 64 units, which collapses.
# Its collapsed networks have −3.5 and −5, which estimates of ours would say are not to be used.
PAPER_64 = {
    0: {"weight_spread": 0.261, "rlct": 33, "accuracy": 0.965},
    1: {"weight_spread": 0.234, "rlct": 31, "accuracy": 0.964},
    5: {"weight_spread": 0.221, "rlct": 29.5, "accuracy": 0.962},
    20: {"weight_spread": 0.118, "rlct": 2.5, "accuracy": 0.27},
    50: {"weight_spread": 0.094, "rlct": 1.5, "accuracy": 0.11},
}


def test_a_wide_network_of_the_paper_confirms_all_claims_but_has_no_collapse():
    assert _verdicts(_runs(PAPER_512)) == {
        "spread_falls": "yes",
        "spread_fall_grows": "yes",
        "rlct_falls": "yes",
        "rlct_fall_grows": "yes",
        "accuracy_kept": "yes",
        "collapse": "not enough data",
    }


def test_collapsed_networks_are_left_out_of_every_claim_but_the_last():
    answers = _answers(_runs(PAPER_64, hidden=64))
    assert {answer.verdict for answer in answers.values()} == {"yes"}
    for name in set(STATEMENTS) - {"collapse"}:
        assert "AW 20 and 50 left out, because networks collapsed there." in answers[name].reason
    assert "5 of 5 networks collapsed at AW 20" in answers["collapse"].reason
    assert "At AW 5 " in answers["rlct_falls"].reason


def test_a_group_with_one_collapsed_network_is_left_out():
    runs = _runs(PAPER_512)
    runs[-1] = made_up_run(50.0, 5, rlct=2.0, accuracy=0.2, weight_spread=0.05)
    answers = _answers(runs)
    assert "At AW 10 " in answers["rlct_falls"].reason
    assert answers["collapse"].verdict == "not enough data"
    assert "1 of 5 networks collapsed at AW 50, RLCT 2.00" in answers["collapse"].reason


def test_a_rise_anywhere_contradicts_the_fall():
    means = {0: {"rlct": 58}, 1: {"rlct": 60}, 10: {"rlct": 50}}
    answers = _answers(_runs(means))
    assert answers["rlct_falls"].verdict == "no"
    reason = answers["rlct_falls"].reason
    assert "The answer is no all the same: at AW 1 it is above the baseline (+3.4 %), and a fall must hold" in reason


def test_a_rise_from_one_weight_to_the_next_contradicts_growth():
    # The paper's CIFAR-10: below the baseline everywhere, but rising with the weight.
    means = {0: {"weight_spread": 0.060}, 0.5: {"weight_spread": 0.0525}, 1: {"weight_spread": 0.0545}}
    answers = _answers(_runs(means))
    assert answers["spread_falls"].verdict == "yes"
    assert answers["spread_fall_grows"].verdict == "no"
    assert "from AW 0.5 to 1" in answers["spread_fall_grows"].reason


def test_no_change_at_all_is_a_no():
    answers = _answers(_runs({0: {"rlct": 50.0}, 1: {"rlct": 50.0}, 10: {"rlct": 50.0}}))
    assert answers["rlct_falls"].verdict == answers["rlct_fall_grows"].verdict == "no"
    assert "excluded" in answers["rlct_falls"].reason


def test_much_scatter_is_not_enough_data():
    rng = np.random.default_rng(2)
    runs = [
        made_up_run(float(weight), seed, rlct=50 + 20 * rng.normal()) for weight in (0, 1, 10) for seed in (1, 2, 3)
    ]
    answers = _answers(runs)
    assert answers["rlct_falls"].verdict == answers["rlct_fall_grows"].verdict == "not enough data"


def test_one_seed_is_not_enough():
    answers = _answers(_runs(PAPER_64, seeds=1, hidden=64))
    assert {answer.verdict for answer in answers.values()} == {"not enough data"}
    assert "two seeds" in answers["rlct_falls"].reason and "−3.49" in answers["rlct_falls"].reason


def test_baselines_alone_are_not_enough():
    answers = _answers(_runs({0: PAPER_512[0]}))
    assert {answer.verdict for answer in answers.values()} == {"not enough data"}
    assert answers["rlct_falls"].reason == "There are no runs with AW > 0."


def test_without_a_baseline_there_is_not_enough():
    answers = _answers(_runs({10: PAPER_512[10], 50: PAPER_512[50]}))
    assert {answer.verdict for answer in answers.values()} == {"not enough data"}
    assert answers["rlct_falls"].reason == "There are no runs with AW = 0 to compare with."


def test_an_rlct_that_was_not_measured_leaves_the_other_claims():
    answers = _answers(_runs({weight: {**means, "rlct": None} for weight, means in PAPER_512.items()}))
    assert answers["rlct_falls"].reason == "The RLCT was not measured."
    assert answers["spread_falls"].verdict == "yes"


def test_a_lost_baseline_of_the_rlct_is_noted():
    answers = _answers(_runs({**PAPER_512, 0: {**PAPER_512[0], "rlct": None}}))
    assert answers["rlct_falls"].reason == "The baseline has no RLCT that can be used."


def test_collapsed_networks_without_an_rlct_are_noted():
    means = {**PAPER_64, 20: {**PAPER_64[20], "rlct": None}, 50: {**PAPER_64[50], "rlct": None}}
    answer = _answers(_runs(means, hidden=64))["collapse"]
    assert answer.verdict == "not enough data" and "without an RLCT that can be used" in answer.reason


def test_estimates_that_are_not_to_be_used_enter_no_claim_and_are_counted():
    runs = _runs(PAPER_512)
    # Such estimates, taken for RLCTs, would contradict every claim.
    lost = {(0, 2): -3.0, (50, 1): 4e9, (50, 4): 900.0}
    spoilt = [
        run
        if (place := (run.recipe.aux_weight, run.recipe.seed)) not in lost
        else dataclasses.replace(run, rlct=estimate(lost[place], seed=run.recipe.seed, verdict="not to be used"))
        for run in runs
    ]
    answers = _answers(spoilt)
    said = "3 estimates of the RLCT that are not to be used are left out (AW 0: seed 2; AW 50: seeds 1, 4)."
    for name in ("rlct_falls", "rlct_fall_grows"):
        assert answers[name].verdict == "yes" and answers[name].reason.endswith(said)
    assert "left out" not in answers["spread_falls"].reason
    without = [run for run in runs if (run.recipe.aux_weight, run.recipe.seed) not in lost]
    assert answers["rlct_falls"].evidence == _answers(without)["rlct_falls"].evidence
    no_baseline = [
        dataclasses.replace(run, rlct=estimate(1.0, seed=run.recipe.seed, verdict="not to be used"))
        if not run.recipe.aux_weight
        else run
        for run in runs
    ]
    reason = _answers(no_baseline)["rlct_falls"].reason
    assert reason.startswith("The baseline has no RLCT that can be used. 5 estimates of the RLCT")


def test_everything_collapsed_is_not_enough():
    answers = _answers(_runs({0: PAPER_64[0], 50: PAPER_64[50]}, hidden=64))
    assert answers["spread_falls"].verdict == answers["accuracy_kept"].verdict == "not enough data"
    assert answers["collapse"].verdict == "yes"


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [(0.974, "yes"), (0.990, "yes"), (0.966, "yes"), (0.956, "no"), (0.90, "no")]
)
def test_the_accuracy_may_lose_what_rounds_to_a_point(accuracy, verdict):
    means = {0: {"accuracy": 0.975}, 10: {"accuracy": accuracy}}
    assert _verdicts(_runs(means))["accuracy_kept"] == verdict


def test_an_accuracy_at_the_limit_is_not_enough_data():
    means = {0: {"accuracy": 0.975}, 10: {"accuracy": 0.960}}
    assert _verdicts(_runs(means))["accuracy_kept"] == "not enough data"


def test_a_high_rlct_of_collapsed_networks_contradicts_the_paper():
    means = {**PAPER_64, 20: {**PAPER_64[20], "rlct": 20}}
    assert _verdicts(_runs(means, hidden=64))["collapse"] == "no"


def test_the_papers_figures_stand_beside_the_answer_where_the_settings_are_its():
    (study,) = studies_of(_runs(PAPER_64, hidden=64))
    paper = {claim.name: claim.paper for claim in claims(study)}
    assert paper["rlct_falls"] == "33 at AW 0, 31 at AW 1, 29.5 at AW 5, −3.5 at AW 20, −5 at AW 50"
    assert paper["collapse"] == "RLCT −3.5 at AW 20 (accuracy 0.27), RLCT −5 at AW 50 (accuracy 0.11)"
    (study,) = studies_of(_runs(PAPER_512, epochs=3))
    assert {claim.paper for claim in claims(study)} == {""}


def test_every_size_is_answered_and_json_holds_the_answers():
    (study,) = studies_of(made_up_grid(hiddens=(64, 512)))
    found = claims(study)
    assert [(claim.hidden, claim.name) for claim in found] == [(h, name) for h in (64, 512) for name in STATEMENTS]
    text = json.dumps([claim.to_dict() for claim in found], allow_nan=False)
    assert json.loads(text)[0]["verdict"] == "yes"
