import dataclasses
import json
from pathlib import Path

import pytest

from keras_selfmodel.rlct import Descent
from ksm_cli.commands import compare
from tests.studies.made_up import estimate, made_up_run, written


@pytest.fixture
def runs(tmp_path) -> list[str]:
    """Five runs that differ in the auxiliary weight, and in nearly everything that can be long."""
    weights = (0.0, 1.0, 10.0, 20.0, 50.0)
    for number, weight in enumerate(weights):
        run = made_up_run(
            weight,
            number,
            rlct=estimate(58.0 - 10 * number, std_error=0.75),
            rlct_descended=estimate(57.0 - 10 * number, std_error=0.5, anchor="descend"),
            self_prediction_r2=0.98 if weight else None,
            backend=("jax", "tensorflow", "torch")[number % 3],
            targets=("hidden", "another_layer") if number else ("hidden",),
        )
        written(run, tmp_path / f"aw{weight:g}")
    return [f"aw{weight:g}" for weight in weights]


def _cells(output: str) -> list[list[str]]:
    lines = [line.strip("│┃").replace("┃", "│").split("│") for line in output.splitlines() if line[:1] in "│┃"]
    return [[cell.strip() for cell in line] for line in lines]


def test_three_runs_stand_side_by_side_in_80_columns(ksm, runs):
    result = ksm("compare", *runs[:3])
    assert result.exit_code == 0 and result.stderr == ""
    assert max(len(line) for line in result.stdout.splitlines()) <= 80 and "…" not in result.stdout
    assert result.stdout.startswith("1: aw0\n2: aw1\n3: aw10\n")
    cells = _cells(result.stdout)
    assert cells[0] == ["", "run 1", "run 2", "run 3"]
    assert ["aux weight", "0", "1", "10"] in cells and ["seed", "0", "1", "2"] in cells
    place = cells.index(["RLCT", "58.00 ± 0.75", "48.00 ± 0.75", "38.00 ± 0.75"])
    assert cells[place + 1] == ["verdict", "reliable", "reliable", "reliable"]
    assert cells[place + 2] == ["minus run 1", "", "−10.00 ± 1.06", "−20.00 ± 1.06"]
    assert not any(row[0] == "epochs" for row in cells)


def test_more_runs_take_more_tables_each_with_the_first(ksm, runs):
    result = ksm("compare", *runs)
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    headers = [row[1:] for row in _cells(result.stdout) if row[0] == "" and row[1].startswith("run")]
    assert headers == [["run 1", "run 2", "run 3"], ["run 1", "run 4", "run 5"]]


def test_of_many_runs_the_first_are_shown_and_that_is_said(ksm, runs, monkeypatch):
    monkeypatch.setattr(compare, "RUNS_SHOWN", 4)
    stdout = ksm("compare", *runs).stdout
    headers = [row[1:] for row in _cells(stdout) if row[0] == "" and row[1].startswith("run")]
    assert headers == [["run 1", "run 2", "run 3"], ["run 1", "run 4"]] and "5: aw50" not in stdout
    assert "Only the first 4 of 5 runs are shown." in stdout
    assert len(json.loads(ksm("compare", *runs, "--json").stdout)["runs"]) == 5


def test_json_holds_everything(ksm, runs):
    printed = json.loads(ksm("compare", *runs[:2], "--json").stdout)
    assert printed["runs"] == ["aw0", "aw1"]
    assert printed["settings"]["aux_weight"] == [0.0, 1.0]
    assert printed["measures"]["rlct"]["differences"] == [None, -10.0]
    assert printed["measures"]["rlct"]["difference_errors"][1] == pytest.approx(0.75 * 2**0.5)


def test_a_descent_that_found_no_lower_loss_is_told_from_one_that_did(ksm, tmp_path):
    descents = {"none": Descent(0.5, 0.5, 0.0, 0), "some": Descent(0.5, 0.25, 1.5, 100)}
    for seed, (name, descent) in enumerate(descents.items()):
        after = estimate(9.0, anchor="descend", descent=descent)
        written(made_up_run(10.0, seed, rlct_descended=after), tmp_path / name)
    assert ["descent", "no lower loss", "loss 0.5 to 0.25"] in _cells(ksm("compare", *descents).stdout)
    printed = json.loads(ksm("compare", *descents, "--json").stdout)["measures"]["rlct_descended"]["descents"]
    assert printed == [dataclasses.asdict(one) for one in descents.values()]


def test_the_same_run_twice_is_refused(ksm, runs):
    result = ksm("compare", runs[0], runs[1], f"{runs[1]}/../{runs[0]}")
    assert result.exit_code == 2 and "Give each folder only once. Received twice: aw0." in result.stderr


def test_one_run_is_wrong_usage(ksm, runs):
    result = ksm("compare", runs[0])
    assert result.exit_code == 2 and "two runs" in result.stderr


def test_a_folder_that_is_not_there_is_wrong_usage(ksm, runs):
    result = ksm("compare", runs[0], "nowhere")
    assert result.exit_code == 2 and "'nowhere' does not exist" in result.stderr


@pytest.mark.parametrize(
    ("remove", "words"), [(("metrics.json",), "an unfinished run"), (("metrics.json", "config.json"), "no run")]
)
def test_what_is_no_finished_run_is_an_error(ksm, runs, remove, words):
    for name in remove:
        (Path(runs[1]) / name).unlink()
    result = ksm("compare", runs[0], runs[1])
    assert result.exit_code == 1 and f"aw1 holds {words}.\n" in result.stderr


def test_an_unfinished_run_is_left_out(ksm, runs):
    (Path(runs[1]) / "metrics.json").unlink()
    result = ksm("compare", *runs[:3])
    assert result.exit_code == 0 and result.stderr == "Left out: aw1 holds an unfinished run.\n"
    assert result.stdout.startswith("1: aw0\n2: aw10\n")
    alone = ksm("compare", *runs[:2])
    assert alone.exit_code == 1 and alone.stderr.endswith("Finished runs that can be read: 1.\n")


@pytest.mark.parametrize("name", ["metrics.json", "config.json"])
def test_a_damaged_file_is_named(ksm, runs, name):
    (Path(runs[1]) / name).write_text("{")
    result = ksm("compare", runs[0], runs[1])
    assert result.exit_code == 1 and f"Left out: aw1/{name} is damaged: it is not valid JSON" in result.stderr
    assert result.stderr.endswith("Error: A comparison needs two runs or more. Finished runs that can be read: 1.\n")
    result = ksm("compare", *runs[:3])
    assert result.exit_code == 0 and f"aw1/{name} is damaged" in result.stderr and "2: aw10" in result.stdout


def test_what_is_undefined_is_told_from_what_was_not_measured(ksm, tmp_path):
    written(made_up_run(0.0, 1, rlct=estimate(40.0)), tmp_path / "plain")
    history = [{"epoch": 1, "loss": 1.0}]
    written(made_up_run(10.0, 1, rlct=estimate(None), weight_spread=None), tmp_path / "lost", history)
    cells = _cells(ksm("compare", "plain", "lost").stdout)
    assert ["RLCT", "40.00", "not a number"] in cells and ["weight spread", "0.0900", "not a number"] in cells
    # The network without an auxiliary weight has no self-prediction; the other's was not a number.
    assert ["self-prediction R²", "–", "not a number"] in cells
