import importlib.util
import json
from pathlib import Path

import pytest

from tests.analysis.made_up import made_up_grid, made_up_run, written


@pytest.fixture
def sweep(tmp_path) -> Path:
    """A folder of runs: H = 64, AW 0 and 10, two seeds."""
    for run in made_up_grid(hiddens=(64,), weights=(0, 10), seeds=(1, 2)):
        written(run, tmp_path / "sweep" / run.folder.name)
    return Path("sweep")


def test_the_figures_lie_in_the_folder(ksm, sweep):
    result = ksm("plot", sweep)
    assert result.exit_code == 0 and result.stderr == ""
    assert result.stdout.split() == ["sweep/figures/figure-2-mnist.png", "sweep/figures/figure-2-mnist.svg"]
    assert Path("sweep/figures/figure-2-mnist.png").read_bytes().startswith(b"\x89PNG")
    assert b"</svg>" in Path("sweep/figures/figure-2-mnist.svg").read_bytes()


def test_folder_and_format_can_be_chosen(ksm, sweep):
    result = ksm("plot", sweep, "--out", "here", "--format", "svg", "--json")
    assert json.loads(result.stdout) == {"figures": ["here/figure-2-mnist.svg"]}
    assert [file.name for file in Path("here").iterdir()] == ["figure-2-mnist.svg"]


def test_one_run_is_enough(ksm, tmp_path):
    written(made_up_run(10.0, 1), tmp_path / "run")
    assert ksm("plot", "run", "--format", "png").exit_code == 0


def test_marks_of_the_paper_that_cannot_be_are_told(ksm, tmp_path):
    written(made_up_run(10.0, 1, epochs=3), tmp_path / "run")
    result = ksm("plot", "run", "--format", "svg", "--paper")
    assert result.exit_code == 0 and "no run has the paper's settings" in result.stderr


def test_another_format_is_wrong_usage(ksm, sweep):
    result = ksm("plot", sweep, "--format", "png,gif")
    assert result.exit_code == 2 and "'png,gif'" in result.stderr


@pytest.mark.parametrize("command", ["plot"])
def test_no_folder_is_wrong_usage(ksm, command):
    result = ksm(command, "nowhere")
    assert result.exit_code == 2 and "'nowhere' does not exist" in result.stderr


@pytest.mark.parametrize("command", ["plot"])
def test_an_empty_folder_is_told(ksm, tmp_path, command):
    (tmp_path / "empty").mkdir()
    result = ksm(command, "empty")
    assert result.exit_code == 1
    assert result.stderr == "Error: empty holds no run. ksm run and ksm sweep make runs.\n"


@pytest.mark.parametrize("command", ["plot"])
def test_unfinished_runs_alone_are_told(ksm, sweep, command):
    for file in sweep.rglob("metrics.json"):
        file.unlink()
    result = ksm(command, sweep)
    assert result.exit_code == 1 and "only unfinished runs (4)" in result.stderr


@pytest.mark.parametrize("command", ["plot"])
@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_damaged_metrics_are_named(ksm, sweep, command, content):
    (sweep / "hidden64-aux10-seed1-jax" / "metrics.json").write_text(content)
    result = ksm(command, sweep)
    assert result.exit_code == 1 and "hidden64-aux10-seed1-jax/metrics.json" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["plot"])
def test_a_damaged_history_is_named(ksm, sweep, command):
    (sweep / "hidden64-aux10-seed1-jax" / "history.csv").write_text("epoch,weight_spread\n1,none\n")
    result = ksm(command, sweep)
    assert result.exit_code == 1 and "history.csv is damaged" in result.stderr


@pytest.mark.parametrize("command", ["plot"])
def test_a_missing_package_is_answered_with_the_pip_line(ksm, sweep, command, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "scipy" else find(name))
    result = ksm(command, sweep)
    assert result.exit_code == 1 and "needs scipy: pip install 'keras-selfmodel[experiments]'" in result.stderr
