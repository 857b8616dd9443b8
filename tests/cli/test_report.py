import errno
import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from keras_selfmodel import _whole_files
from keras_selfmodel.experiments.run_folder import CHECKPOINTS, FIGURES, FILES
from keras_selfmodel.experiments.sweeps.results_table import RESULTS
from keras_selfmodel.reporting import report
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
        "report sweep --out missing/../RUN/metrics.json",
        "report sweep --out missing/../notes.txt",
        "compress sweep --csv RUN/history.csv",
        "compress sweep --csv sweep/results.csv",
        "compress sweep --csv notes.txt",
        *(f"compress sweep --csv RUN/{name}" for name in ("compression.json", "identity.json", "failed.json")),
        "rlct RUN/model.keras --data mnist --traces RUN/compression.json",
        "rlct RUN/model.keras --data mnist --plot RUN/figures/rlct.png",
        "report sweep --out RUN/epochs/epoch-00001.weights.h5",
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


def test_standard_output_can_be_named_where_it_is_a_file(ksm, sweep):
    line = [sys.executable, "-c", "from ksm_cli.main import main; main()", "report", "sweep", "--out", "/dev/stdout"]
    with Path("printed.txt").open("wb") as file:
        assert subprocess.run(line, stdout=file, check=False).returncode == 0
    page = Path("printed.txt").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")


def test_the_table_beside_the_page_replaces_nothing_but_such_a_table(ksm, sweep, monkeypatch):
    monkeypatch.setattr(report, "FIRST_ROWS", 5)
    Path("mine-runs.csv").write_text("name,grade\n")
    refused = ksm("report", sweep, "--out", "mine.html")
    assert refused.exit_code == 1 and "mine-runs.csv, the table of all runs beside the page, is there" in refused.stderr
    assert Path("mine-runs.csv").read_text() == "name,grade\n" and not Path("mine.html").exists()
    for _ in range(2):
        assert ksm("report", sweep, "--out", "other.html").exit_code == 0
    assert len(Path("other-runs.csv").read_text(encoding="utf-8").splitlines()) == 1 + 5 * 3 * 3


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_folders_whose_names_are_no_text_are_spelled_out(ksm, sweep):
    bad = os.fsdecode(b"sweep/a1\xff\x1b[31m\n=1")
    next(sweep.iterdir()).rename(bad)
    listed, reported = ksm("runs", sweep), ksm("report", sweep)
    assert (listed.exit_code, reported.exit_code) == (0, 0), listed.output + reported.output
    assert "a1\\udcff\\x1b[31m" in "".join(listed.stdout.split()) and "\x1b" not in listed.output + reported.output
    page = Path("sweep/report.html").read_text(encoding="utf-8")
    assert "a1\\udcff\\x1b[31m" in page
    # Valid UTF-8, from which a program gets the name that the system has.
    rows = json.loads(ksm("runs", sweep, "--json").stdout_bytes.decode("utf-8"))
    assert bad in [row["run"] for row in rows]
    beside = ksm("compare", bad, *(str(run) for run in sweep.iterdir() if run.is_dir() and str(run) != bad))
    assert beside.stdout.startswith("1: sweep/a1\\udcff\\x1b[31m\\n=1\n") and "\x1b" not in beside.output


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_signs_that_an_encoding_lacks_are_replaced(sweep, encoding):
    runs = [str(run) for run in sorted(sweep.iterdir())[:2]]
    line = [sys.executable, "-c", "from ksm_cli.main import main; main()", "compare", *runs]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(line, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    assert re.search(rb" -\d", done.stdout)
    printed = subprocess.run([*line, "--json"], capture_output=True, env=environment, check=True).stdout
    assert len(json.loads(printed)["runs"]) == 2


def test_no_file_of_a_run_is_forgotten():
    written = [*FILES, CHECKPOINTS.replace("*", "trained"), "config.json", "failed.json", compression.store.FILE]
    assert all(any(fnmatchcase(name, pattern) for pattern in OF_A_RUN) for name in written)
    assert set(FIGURES) < set(FIGURES_OF_A_RUN) and RESULTS in OF_RUNS_TOGETHER and SEARCH_FILE in OF_RUNS_TOGETHER


def test_escape_sequences_in_a_path_are_shown_and_not_obeyed(ksm, sweep):
    assert "report: a\\x1b[2Jb.html\n" in ksm("report", sweep, "--out", "a\x1b[2Jb.html").stdout
    Path("a\x1b[2Jb.txt").write_text("mine", encoding="utf-8")
    refused = ksm("report", sweep, "--out", "a\x1b[2Jb.txt")
    assert refused.exit_code == 2 and "a\\x1b[2Jb.txt" in refused.stderr and "\x1b" not in refused.output
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


def test_the_verdicts_are_printed_also_where_no_page_can_be_written(ksm, sweep, monkeypatch):
    def protected(path, _):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    printed, as_json = ksm("report", sweep).stdout, ksm("report", sweep, "--json").stdout
    monkeypatch.setattr(_whole_files, "write_whole", protected)
    refused = ksm("report", sweep)
    assert refused.exit_code == 1 and f"{refused.stdout}report: sweep/report.html\n" == printed
    assert "sweep/report.html: Read-only file system." in refused.stderr
    refused = ksm("report", sweep, "--json")
    assert refused.exit_code == 1 and refused.stdout == as_json
