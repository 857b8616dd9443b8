import dataclasses
import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from keras_selfmodel.experiments import TASKS, PaperFigures, RunResult
from keras_selfmodel.rlct import Descent
from ksm_cli.tables.run import run_notes, run_table
from tests.studies.made_up import estimate


@pytest.fixture
def result() -> RunResult:
    return RunResult(
        recipe=TASKS["mnist"].recipe,
        accuracy=0.97123,
        weight_spread=0.08812,
        weight_interquartile_range=0.1234,
        weight_excess_kurtosis=-0.512,
        self_prediction_r2=0.98765,
        self_prediction_loss=0.01,
        rlct=estimate(-123.456, std_error=10.789, verdict="not to be used"),
        rlct_descended=estimate(
            98.765,
            std_error=1.234,
            anchor="descend",
            descent=Descent(0.25, 0.125, 2.0, 500),
            warnings=("An objection.",),
        ),
        data_source="TFDS mnist 3.0.1, data/mnist/3.0.1",
        is_subset=False,
        backend="tensorflow",
        paper=PaperFigures(0.088, 52.5, 0.975),
        seconds={"data": 0.5, "training": 12.34, "RLCT": 3.0},
        folder=Path("runs/one"),
        config=None,
    )


def _rows(result: RunResult) -> dict[str, list[str]]:
    """The cells of each row of the printed table, by the row's name."""
    console = Console(file=io.StringIO(), width=80)
    console.print(run_table(result))
    text = console.file.getvalue()
    assert "…" not in text
    lines = [[cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")] for line in text.splitlines()]
    return {line[0]: line[1:] for line in lines if len(line) > 1}


def test_an_r2_that_is_not_a_number_is_said_of_networks_that_predict_themselves(result):
    row = "self-prediction R² on the test data"
    recipe = dataclasses.replace(result.recipe, aux_weight=10.0)
    assert _rows(dataclasses.replace(result, recipe=recipe, self_prediction_r2=math.nan))[row] == ["not a number", ""]


def test_the_papers_figures_stand_beside_those_of_the_run(result):
    rows = _rows(result)
    assert rows["measure"] == ["this run", "paper"]
    assert rows["accuracy on the test data"] == ["0.9712", "0.975"]
    assert rows["weight spread (standard deviation)"] == ["0.0881", "0.088"]
    assert rows["RLCT (paper convention, nβ = 82.1)"] == ["−123.46 ± 10.79", "52.5"]
    assert rows["self-prediction R² on the test data"] == ["0.9877", ""]
    assert rows["after descent on the task's loss"] == ["98.77 ± 1.23", ""] and rows["descent"] == [
        "loss 0.25 to 0.125",
        "",
    ]


def test_other_settings_have_no_column_of_the_paper(result):
    rows = _rows(dataclasses.replace(result, paper=None))
    assert rows["measure"] == ["this run"]
    assert rows["accuracy on the test data"] == ["0.9712"]


def test_the_baseline_has_no_row_of_self_prediction(result):
    baseline = dataclasses.replace(result.recipe, aux_weight=0.0)
    rows = _rows(dataclasses.replace(result, recipe=baseline, self_prediction_r2=None))
    assert not any("self-prediction" in name for name in rows)


def test_without_rlct_there_is_no_row_of_it(result):
    recipe = dataclasses.replace(result.recipe, rlct=None)
    assert not any(
        "RLCT" in name for name in _rows(dataclasses.replace(result, recipe=recipe, rlct=None, rlct_descended=None))
    )


def test_what_is_not_a_number_is_called_that(result):
    nan = float("nan")
    rows = _rows(dataclasses.replace(result, rlct=estimate(None), weight_excess_kurtosis=nan, weight_spread=nan))
    assert rows["weight spread (standard deviation)"][0] == "not a number"
    assert rows["RLCT (paper convention, nβ = 82.1)"][0] == "not a number"
    assert rows["excess kurtosis"][0] == "not a number"


def test_a_single_chain_is_shown_without_an_error(result):
    rows = _rows(dataclasses.replace(result, rlct=estimate(-123.456)))
    assert rows["RLCT (paper convention, nβ = 82.1)"][0] == "−123.46"


def test_the_notes_tell_time_data_and_files(result):
    assert run_notes(result).splitlines() == [
        "seconds: data 0.5, training 12.3, RLCT 3.0",
        "data:    TFDS mnist 3.0.1, data/mnist/3.0.1",
        "files:   runs/one",
    ]


def test_the_notes_of_a_subset_say_so(result):
    assert "NOT the full data set" in run_notes(dataclasses.replace(result, is_subset=True))


def test_batches_of_one_sample_train_and_the_rlct_is_sampled_in_batches_of_two():
    from keras_selfmodel.experiments import TASKS
    from ksm_cli.options.settings import recipe_of

    recipe = recipe_of(TASKS["mnist"].recipe, (), None, {"batch_size": 1})
    assert (recipe.batch_size, recipe.rlct.batch_size) == (1, 2)
