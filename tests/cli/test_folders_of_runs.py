"""What commands that read many runs say of folders that they cannot use."""

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_selfmodel._installation import installing
from keras_selfmodel.experiments import read_recipe_file
from keras_selfmodel.experiments.run_config import CONFIG, DataIdentity
from keras_selfmodel.experiments.run_folder import RunFolder
from tests.studies.made_up import made_up_grid, made_up_run, written


@pytest.fixture
def sweep(tmp_path) -> Path:
    """A folder of runs: H = 64, AW 0 and 10, two seeds."""
    for run in made_up_grid(hiddens=(64,), weights=(0, 10), seeds=(1, 2)):
        written(run, tmp_path / "sweep" / run.folder.name)
    return Path("sweep")


@pytest.mark.parametrize("command", ["plot", "report"])
def test_no_folder_is_wrong_usage(ksm, command):
    result = ksm(command, "nowhere")
    assert result.exit_code == 2 and "'nowhere' does not exist" in result.stderr


@pytest.mark.parametrize("command", ["plot", "report"])
def test_an_empty_folder_is_an_error(ksm, tmp_path, command):
    (tmp_path / "empty").mkdir()
    result = ksm(command, "empty")
    assert result.exit_code == 1
    assert result.stderr == "Error: empty contains no runs. Create runs with ksm run or ksm sweep.\n"


@pytest.mark.parametrize("command", ["plot", "report"])
def test_unfinished_runs_alone_are_an_error(ksm, sweep, command):
    for file in sweep.rglob("metrics.json"):
        file.unlink()
    result = ksm(command, sweep)
    assert result.exit_code == 1 and "only unfinished runs (4)" in result.stderr


@pytest.mark.parametrize("command", ["plot", "report"])
@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_damaged_metrics_are_named(ksm, sweep, command, content):
    (sweep / "hidden64-aux10-seed1-jax" / "metrics.json").write_text(content)
    result = ksm(command, sweep)
    assert result.exit_code == 0 and "hidden64-aux10-seed1-jax/metrics.json is damaged: " in result.stderr
    assert len(result.stderr.splitlines()) == 2 and "--retry-failed" in result.stderr


@pytest.mark.parametrize("command", ["plot", "report"])
def test_a_damaged_history_is_named(ksm, sweep, command):
    (sweep / "hidden64-aux10-seed1-jax" / "history.csv").write_text("epoch,weight_spread\n1,none\n")
    result = ksm(command, sweep)
    assert result.exit_code == 0
    assert "history.csv is damaged: line 2: weight_spread must be a number. Received: 'none'" in result.stderr


@pytest.mark.parametrize("command", ["plot", "report"])
def test_a_missing_package_is_answered_with_the_pip_line(ksm, sweep, command, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "scipy" else find(name))
    result = ksm(command, sweep)
    assert result.exit_code == 1 and f"needs scipy: {installing('experiments')}" in result.stderr


# Prints what of Keras and the backends has been imported in the end.
READING = """
import json, sys
from click.testing import CliRunner
from ksm_cli.main import main
for line in json.loads(sys.argv[1]):
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 0, result.output
print([name for name in ("keras", "jax", "tensorflow", "torch") if name in sys.modules])
"""


@pytest.fixture
def finished_sweep(tmp_path) -> list[str]:
    """The command line of a sweep of two runs, both finished."""
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "tiny"\nrlct = false\n[data]\narrays = "data.npz"\n[training]\nepochs = 2\n')
    task, backend = read_recipe_file(recipe), keras.config.backend()
    for weight in (0.0, 10.0):
        run = made_up_run(weight, recipe=task.recipe, backend=backend)
        files = RunFolder(tmp_path / "finished" / f"{run.recipe.name}-{backend}")
        config = dataclasses.replace(written(run, files.path).config, data=DataIdentity.of(task.load()))
        files.write("config.json", CONFIG, config)
    return ["sweep", "--recipe", str(recipe), "--seeds", "1", "--out", str(tmp_path / "finished")]


def test_what_computes_nothing_imports_neither_keras_nor_a_backend(sweep, finished_sweep):
    runs = [str(run) for run in sorted(sweep.iterdir())]
    lines = [["runs", str(sweep)], ["compare", *runs], ["plot", str(sweep), "--format", "svg"], ["report", str(sweep)]]
    lines += [finished_sweep, [*finished_sweep, "--json"], [*finished_sweep, "--dry-run"]]
    done = subprocess.run(
        [sys.executable, "-c", READING, json.dumps(lines)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
