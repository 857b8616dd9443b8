import pytest

from keras_selfmodel.experiments import RunResult
from keras_selfmodel.tuning import Score
from tests.studies.made_up import estimate, made_up_run


def run(accuracy: float, rlct, spread: float = 0.1) -> RunResult:
    return made_up_run(accuracy=accuracy, rlct=rlct, weight_spread=spread)


@pytest.mark.parametrize(
    ("score", "value"),
    [
        (Score("accuracy"), 0.97),
        (Score("rlct", price=0.001), 0.97 - 0.05),
        (Score("spread", price=0.5), 0.97 - 0.05),
        (Score("rlct", price=0.001, enough_accuracy=0.9), 0.9 - 0.05),
    ],
)
def test_the_score_is_accuracy_less_what_the_complexity_costs(score, value):
    assert score.of(run(0.97, 50.0)) == pytest.approx(value)


def test_above_enough_accuracy_the_simpler_network_wins_and_below_the_better_one():
    score = Score("rlct", price=0.0001, enough_accuracy=0.95)
    assert score.of(run(0.951, 30.0)) > score.of(run(0.98, 60.0)) > score.of(run(0.11, 0.5))


def test_what_was_not_measured_has_no_score():
    assert Score("rlct").of(run(0.9, None)) is None
    assert Score("accuracy").of(run(0.9, None)) == 0.9
    assert Score("rlct").missing(run(0.9, None)) == "No score: its complexity is not a number, or was not measured."


def test_an_estimate_that_is_not_to_be_used_gives_no_score_and_the_reason():
    # Taken for an RLCT, it would win every search.
    lost = run(0.9, estimate(-900.0, verdict="not to be used", warnings=("The estimate is negative.",)))
    assert Score("rlct").of(lost) is None
    assert Score("rlct").missing(lost) == "No score: its RLCT is not to be used. The estimate is negative."
    assert Score("spread", price=0.5).of(lost) == pytest.approx(0.85)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "loss"}, "accuracy, rlct, spread. Received: 'loss'"),
        ({"price": -1.0}, "price=-1.0"),
        ({"price": float("nan")}, "price=nan"),
        ({"enough_accuracy": 95.0}, "enough_accuracy=95.0"),
    ],
)
def test_wrong_scores_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        Score(**arguments)
