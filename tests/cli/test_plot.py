import json
from pathlib import Path

import pytest

from tests.studies.made_up import made_up_grid, made_up_run, written


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


def test_a_figure_that_cannot_be_written_keeps_no_other_back(ksm, sweep):
    Path("sweep/figures/figure-2-mnist.png").mkdir(parents=True)  # as of a disk that takes nothing
    result = ksm("plot", sweep)
    assert result.exit_code == 1 and "figure-2-mnist.png" in result.stderr
    assert b"</svg>" in Path("sweep/figures/figure-2-mnist.svg").read_bytes()


def test_one_run_is_enough(ksm, tmp_path):
    written(made_up_run(10.0, 1), tmp_path / "run")
    assert ksm("plot", "run", "--format", "png").exit_code == 0


def test_marks_of_the_paper_that_cannot_be_are_warned_of(ksm, tmp_path):
    written(made_up_run(10.0, 1, epochs=3), tmp_path / "run")
    result = ksm("plot", "run", "--format", "svg", "--paper")
    assert result.exit_code == 0 and "no run has the paper's settings" in result.stderr


def test_another_format_is_wrong_usage(ksm, sweep):
    result = ksm("plot", sweep, "--format", "png,gif")
    assert result.exit_code == 2 and "'png,gif'" in result.stderr
