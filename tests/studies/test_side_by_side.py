import dataclasses

import pytest

from keras_selfmodel.studies import side_by_side
from tests.studies.made_up import MNIST, estimate, made_up_run, written


def _measures(found) -> dict:
    return {one.measure.name: one for one in found.measures}


def test_only_settings_that_differ_are_named():
    found = side_by_side([made_up_run(0.0, 1), made_up_run(10.0, 1), made_up_run(10.0, 2, epochs=5)])
    assert found.settings == {"aux_weight": (0.0, 10.0, 10.0), "epochs": (50, 50, 5), "seed": (1, 1, 2)}
    assert found.notes == ()


def test_backends_data_and_versions_are_settings_too(tmp_path):
    first = written(made_up_run(10.0, 1), tmp_path / "first")
    other = written(made_up_run(10.0, 1, backend="torch"), tmp_path / "other")
    made_by = dataclasses.replace(other.config.provenance, packages={"keras": "3.13.0", "torch": "2.5.0"})
    data = dataclasses.replace(other.config.data, digest="cd" * 32)
    other = dataclasses.replace(other, config=dataclasses.replace(other.config, provenance=made_by, data=data))
    found = side_by_side([first, other])
    assert found.settings["backend"] == ("jax", "torch")
    assert found.settings["data"] == ("ab" * 6, "cd" * 6)
    assert found.settings["keras"] == ("3.12.0", "3.13.0") and found.settings["torch"] == (None, "2.5.0")
    assert found.notes == ("The runs used different data.",)


def test_differences_are_to_the_first_run_with_both_errors():
    runs = [
        made_up_run(0.0, 1, rlct=estimate(58.0, std_error=0.3), accuracy=0.97),
        made_up_run(10.0, 1, rlct=estimate(52.0, std_error=0.4), accuracy=0.96),
    ]
    rlct = _measures(side_by_side(runs))["rlct"]
    assert rlct.values == (58, 52) and rlct.errors == (0.3, 0.4)
    assert rlct.differences == (None, -6) and rlct.difference_errors == (None, pytest.approx(0.5))
    accuracy = _measures(side_by_side(runs))["accuracy"]
    assert accuracy.differences[1] == pytest.approx(-0.01) and accuracy.difference_errors == (None, None)


def test_what_a_run_lacks_has_no_difference():
    runs = [
        made_up_run(0.0, 1),
        made_up_run(10.0, 1, self_prediction_r2=0.98),
        made_up_run(10.0, 2, rlct=estimate(None)),
    ]
    measures = _measures(side_by_side(runs))
    assert measures["self_prediction_r2"].values == (None, 0.98, None)
    assert measures["self_prediction_r2"].differences == (None, None, None)
    assert measures["rlct"].differences == (None, 0, None)
    assert "rlct_descended" not in measures


def test_an_estimate_that_is_not_to_be_used_is_shown_with_its_reason_and_not_subtracted():
    lost = estimate(-7.0, std_error=0.1, verdict="not to be used", warnings=("It is negative.",))
    found = side_by_side([made_up_run(0.0, 1), made_up_run(10.0, 1, rlct=lost)])
    rlct = _measures(found)["rlct"]
    assert rlct.values == (50, -7) and rlct.verdicts == ("reliable", "not to be used")
    assert rlct.differences == rlct.difference_errors == (None, None)
    assert "Run 2: the RLCT is not to be used, and no difference is shown. It is negative." in found.notes


def test_a_doubtful_estimate_is_subtracted_and_its_reason_said():
    doubtful = estimate(40.0, std_error=0.1, verdict="doubtful", warnings=("The chains do not agree.", "Few data."))
    found = side_by_side([made_up_run(0.0, 1), made_up_run(10.0, 1, rlct=doubtful)])
    assert _measures(found)["rlct"].differences == (None, -10)
    assert found.notes == ("Run 2: the RLCT is doubtful. The chains do not agree. Few data.",)


@pytest.mark.parametrize("changes", [{"localization": 1.0}, {"inverse_temperature": 9.0}, {"convention": "dataset"}])
def test_rlcts_of_different_quantities_are_not_subtracted(changes):
    rlct = dataclasses.replace(MNIST.rlct, **changes)
    other = made_up_run(10.0, 1, recipe=dataclasses.replace(MNIST, rlct=rlct))
    found = side_by_side([made_up_run(10.0, 1), other])
    assert _measures(found)["rlct"].differences == (None, None)
    assert _measures(found)["weight_spread"].differences == (None, 0)
    assert "different quantities" in found.notes[0]


def test_a_subset_is_noted():
    assert "part of its data set" in side_by_side([made_up_run(), made_up_run(is_subset=True)]).notes[0]


def test_one_run_cannot_be_compared():
    with pytest.raises(ValueError, match="two runs"):
        side_by_side([made_up_run()])
