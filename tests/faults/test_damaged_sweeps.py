"""A sweep whose folder has damaged runs: they are listed, and computed anew when asked."""

import dataclasses
from pathlib import Path

import pytest

from keras_selfmodel.experiments import find_runs, grid, plan_sweep, sweep
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.stages import concluding


@pytest.fixture
def recipes(recipe, monkeypatch):  # noqa: F811
    monkeypatch.setattr(concluding, "run_figures", lambda *_: {})
    short = dataclasses.replace(recipe, epochs=1, rlct=None)
    return grid(short, hidden=[4], aux_weights=[0, 2], seeds=[1])


@pytest.mark.parametrize(
    "name", ["metrics.json", "config.json", "seconds.json", "history.csv", "model.keras", "failed.json"]
)
def test_retry_failed_computes_a_damaged_run_anew(recipes, tiny, tmp_path, name):  # noqa: F811
    whole = sweep(plan_sweep(recipes, tiny, tmp_path), tiny).results
    victim = whole[1].folder
    if name in ("history.csv", "model.keras", "failed.json"):  # read while a run is not finished
        (victim / "metrics.json").unlink()
    (victim / name).write_bytes(b'{"broken": ')
    found = sweep(plan_sweep(recipes, tiny, tmp_path), tiny)
    assert [run.folder for run in found.results] == [whole[0].folder]
    (reason,) = found.failures.values()
    assert name in reason and "damaged" in reason
    again = sweep(plan_sweep(recipes, tiny, tmp_path, retry_failed=True), tiny)
    assert again.failures == {} and [run.metrics() for run in again.results] == [run.metrics() for run in whole]
    assert find_runs(tmp_path).damaged == ()


def test_a_run_computed_anew_leaves_other_files_of_the_folder_alone(recipes, tiny, tmp_path):  # noqa: F811
    whole = sweep(plan_sweep(recipes[:1], tiny, tmp_path), tiny).results
    folder = whole[0].folder
    (folder / "notes.txt").write_text("mine")
    (folder / "metrics.json").write_text("{")
    RunFolder(folder).figures.mkdir(exist_ok=True)
    sweep(plan_sweep(recipes[:1], tiny, tmp_path, retry_failed=True), tiny)
    assert (folder / "notes.txt").read_text() == "mine"


def test_the_program_lists_what_is_damaged_and_mends_it(ksm, tiny_mnist, monkeypatch):
    monkeypatch.setattr(concluding, "run_figures", lambda *_: {})
    command = ["sweep", "mnist", "--hidden", "3", "--aux-weight", "0,1", "--seeds", "1", "--epochs", "1", "--no-rlct"]
    command += ["--batch-size", "32", "--workers", "1", "--quiet", "--out", "sweep"]
    assert ksm(*command).exit_code == 0
    victim = next(Path("sweep").glob("*aux1*")) / "metrics.json"
    victim.write_bytes(victim.read_bytes()[:200])
    result = ksm(*command)
    assert result.exit_code == 1 and "metrics.json is damaged: it is not valid JSON" in result.stderr
    assert "1 of 2 runs failed (retry them with --retry-failed):" in result.stderr
    assert ksm(*command, "--retry-failed").exit_code == 0
