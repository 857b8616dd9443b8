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
from keras_selfmodel.experiments import find_runs, read_recipe_file
from keras_selfmodel.experiments.run_config import CONFIG, DataIdentity
from keras_selfmodel.experiments.run_folder import RunFolder
from tests.locked import lock
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


@pytest.fixture
def links() -> Path:
    """A run, one of elsewhere that a link leads to, and links to the run, to the folder and to what is above it."""
    written(made_up_run(seed=1), Path("sweep/z-real"))
    written(made_up_run(seed=2), Path("elsewhere/run"))
    written(made_up_run(seed=3), Path("beside/run"))
    for name, target in {"a-again": "z-real", "linked": "../elsewhere/run", "here": ".", "above": ".."}.items():
        Path("sweep", name).symlink_to(target)
    Path("elsewhere/run/back").symlink_to("../../sweep")
    return Path("sweep")


def test_a_run_that_a_link_leads_to_is_found_and_none_twice(ksm, links):
    found = json.loads(ksm("runs", links, "--json").stdout)
    assert [run["run"] for run in found] == ["sweep/linked", "sweep/z-real"]
    assert [run.folder.name for run in find_runs(links).results] == ["z-real", "linked"]
    for name in ("linked", "z-real"):
        Path("sweep", name, "metrics.json").unlink()
    report = ksm("report", links)
    assert report.exit_code == 1 and "only unfinished runs (2)" in report.stderr


def test_a_folder_that_cannot_be_looked_into_is_named(ksm, links, monkeypatch):
    written(made_up_run(seed=4), Path("sweep/locked"))
    lock(monkeypatch, Path("sweep/locked"))
    said = "sweep/locked is unreadable: Permission denied."
    listed = ksm("runs", links, "--json")
    states = {run["run"]: run["state"] for run in json.loads(listed.stdout)}
    assert states == {"sweep/linked": "finished", "sweep/locked": "unreadable", "sweep/z-real": "finished"}
    assert said in ksm("runs", links).stderr
    report = ksm("report", links, "--out", "page.html")
    assert report.exit_code == 0 and f"Left out: {said}" in report.stderr and "--retry-failed" not in report.stderr
    assert "Left out: locked is unreadable: Permission denied." in Path("page.html").read_text(encoding="utf-8")
    compared = ksm("compare", "sweep/locked", "sweep/z-real", "sweep/linked")
    assert compared.exit_code == 0 and f"Left out: {said}" in compared.stderr
