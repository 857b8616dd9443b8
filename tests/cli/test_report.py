import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from keras_selfmodel.experiments.run_folder import CHECKPOINTS, FIGURES, FILES
from keras_selfmodel.experiments.sweeps.results_table import RESULTS
from keras_selfmodel.studies import compression
from keras_selfmodel.tuning.searching import SEARCH_FILE
from ksm_cli.options.outputs import FIGURES_OF_A_RUN, OF_A_RUN, OF_RUNS_TOGETHER
from tests.studies.made_up import made_up_grid, made_up_run, written


@pytest.fixture
def sweep(tmp_path) -> Path:
    """A folder of runs: five sizes, AW 0, 1 and 10, three seeds."""
    for run in made_up_grid(hiddens=(16, 32, 64, 128, 512), weights=(0, 1, 10)):
        written(run, tmp_path / "sweep" / run.folder.name)
    return Path("sweep")


def test_the_page_lies_in_the_folder_and_the_verdicts_are_printed(ksm, sweep):
    result = ksm("report", sweep)
    assert result.exit_code == 0 and result.stderr == ""
    assert Path("sweep/report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "…" not in result.stdout
    lines = result.stdout.splitlines()
    assert lines[-1] == "report: sweep/report.html"
    assert [line for line in lines if "Self-modeling lowers" in line][0].count("yes") == 4
    for hidden in (16, 32, 64, 128, 512):
        assert f"H = {hidden}" in result.stdout


def test_the_page_can_lie_elsewhere(ksm, sweep):
    assert ksm("report", sweep, "--out", "pages/mine.html").stdout.endswith("report: pages/mine.html\n")
    assert Path("pages/mine.html").exists() and not Path("sweep/report.html").exists()


@pytest.mark.parametrize(
    "line",
    [
        *(f"report sweep --out RUN/{name}" for name in ("metrics.json", "config.json", "model.keras")),
        "report sweep --out sweep/results.csv",
        "report sweep --out notes.txt",
        "report sweep --out link.html",
        "compress sweep --csv RUN/history.csv",
        "compress sweep --csv sweep/results.csv",
        "compress sweep --csv notes.txt",
        "rlct RUN/model.keras --data mnist --traces notes.txt",
        "rlct RUN/model.keras --data mnist --traces RUN/rlct_traces.npz",
        "rlct RUN/model.keras --data mnist --checkpoint RUN/rlct_traces.npz",
        "rlct RUN/model.keras --data mnist --checkpoint /dev/null",
        "rlct RUN/model.keras --data mnist --plot RUN/figures/spread.png",
    ],
)
def test_what_is_something_else_is_not_replaced(ksm, sweep, line):
    """Results of runs and sweeps, files that cannot be earlier ones of the kind, and links to either."""
    run = next(path.parent for path in sweep.rglob("metrics.json"))
    (run / "figures").mkdir()
    for name in ("model.keras", "rlct_traces.npz", "figures/spread.png", "../results.csv"):
        (run / name).write_text("a result")
    Path("notes.txt").write_text("a note")
    Path("link.html").symlink_to(run / "metrics.json")
    before = {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()}
    result = ksm(*line.replace("RUN", str(run)).split())
    assert result.exit_code == 2 and "Choose" in result.stderr
    assert {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()} == before


def test_no_file_of_a_run_is_forgotten():
    written = [*FILES, CHECKPOINTS.replace("*", "trained"), "config.json", "failed.json", compression.store.FILE]
    assert all(any(fnmatchcase(name, pattern) for pattern in OF_A_RUN) for name in written)
    assert set(FIGURES) < set(FIGURES_OF_A_RUN) and RESULTS in OF_RUNS_TOGETHER and SEARCH_FILE in OF_RUNS_TOGETHER


def test_escape_sequences_in_a_path_are_shown_and_not_obeyed(ksm, sweep):
    assert "report: a\\x1b[2Jb.html\n" in ksm("report", sweep, "--out", "a\x1b[2Jb.html").stdout
    assert ksm("plot", sweep, "--format", "svg", "--out", "c\x07").stdout.startswith("c\\x07/figure-2")
    said = json.loads(ksm("plot", sweep, "--format", "svg", "--out", "c\x07", "--json").stdout)
    assert said["figures"][0].startswith("c\x07/")


def test_json_holds_the_verdicts_and_the_numbers_behind_them(ksm, sweep):
    printed = json.loads(ksm("report", sweep, "--json").stdout)
    assert printed["report"] == "sweep/report.html" and len(printed["claims"]) == 5 * 6
    claim = next(c for c in printed["claims"] if (c["claim"], c["hidden"]) == ("rlct_falls", 512))
    assert claim["verdict"] == "yes"
    numbers = claim["evidence"]["by_aux_weight"]
    assert [one["aux_weight"] for one in numbers] == [1, 10]
    # Made up to fall by 10 % a step.
    assert [one["relative"] for one in numbers] == pytest.approx([-0.1, -0.2], abs=0.01)


def test_one_run_is_a_report_of_what_is_missing(ksm, tmp_path):
    written(made_up_run(10.0, 1), tmp_path / "run")
    result = ksm("report", "run")
    assert result.exit_code == 0 and result.stdout.count("not enough") == 6


def test_failed_runs_of_a_sweep_are_no_obstacle(ksm, sweep):
    (sweep / "hidden16-aux0-seed1-jax" / "metrics.json").unlink()
    assert ksm("report", sweep).exit_code == 0
    assert "Not finished." in Path("sweep/report.html").read_text(encoding="utf-8")
