import csv
import dataclasses
import math

import keras
import pytest

from keras_selfmodel.experiments import (
    RunResult,
    SweepProgress,
    finished_runs,
    grid,
    one_run,
    plan_sweep,
    run,
    sweep,
)
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.sweeps import sweeping
from tests.locked import lock

pytestmark = pytest.mark.usefixtures("without_figures")


@pytest.fixture(scope="module")
def recipes(recipe):
    return grid(dataclasses.replace(recipe, rlct=None, epochs=2), hidden=[3, 5], aux_weights=[0, 2], seeds=[1])


def _names(results) -> list[str]:
    return [f"{r.recipe.hidden} {r.recipe.aux_weight:g} {r.recipe.seed}" for r in results]


def _rows(folder) -> list[dict]:
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_grid_holds_all_combinations_and_the_other_settings(recipe):
    recipes = grid(recipe, hidden=[4, 8], aux_weights=[0, 0.5], seeds=range(3))
    assert len({r.name for r in recipes}) == 12
    others = {"hidden": 4, "aux_weight": 0.0, "seed": 0}
    assert recipes[0] == dataclasses.replace(recipe, **others)
    assert {dataclasses.replace(r, **others) for r in recipes} == {recipes[0]}
    with pytest.raises(ValueError, match=r"Give each value only once. Received: seeds=\[1, 1\]"):
        grid(recipe, hidden=[4], aux_weights=[0], seeds=[1, 1])


def test_a_sweep_computes_what_runs_compute_and_writes_a_table(recipes, tiny, tmp_path):
    reported = []
    progress = SweepProgress(finished=lambda job, result: reported.append(result))
    found = sweep(plan_sweep(recipes, tiny, tmp_path / "sweep"), tiny, progress=progress)
    assert _names(found.results) == ["3 0 1", "3 2 1", "5 0 1", "5 2 1"]
    assert found.failures == {} and sorted(map(id, reported)) == sorted(map(id, found.results))
    alone = run(recipes[1], tiny, tmp_path / "alone")
    assert found.results[1].metrics() == alone.metrics()
    rows = _rows(tmp_path / "sweep")
    assert [float(row["accuracy"]) for row in rows] == [r.accuracy for r in found.results]
    assert [row["run"] for row in rows] == [f"{r.recipe.name}-{keras.config.backend()}" for r in found.results]
    assert finished_runs(tmp_path / "sweep") == list(found.results)


def test_runs_that_exist_are_kept(recipes, tiny, tmp_path, monkeypatch):
    sweep(plan_sweep(recipes[:2], tiny, tmp_path), tiny)
    plan = plan_sweep(recipes, tiny, tmp_path)
    assert _names(plan.kept) == ["3 0 1", "3 2 1"] and len(plan.jobs) == 2
    trained = []
    original = one_run.trained
    monkeypatch.setattr(one_run, "trained", lambda run, *a: trained.append(run.recipe) or original(run, *a))
    found = sweep(plan, tiny)
    assert trained == [r for r in recipes if r.hidden == 5]
    assert len(found.results) == len(_rows(tmp_path)) == 4


def test_an_interrupted_sweep_goes_on_and_ends_with_the_same_table(recipes, tiny, tmp_path):
    def interrupt(job, part, done, total):
        if job.recipe == recipes[2] and done == 1:
            raise KeyboardInterrupt

    sweep(plan_sweep(recipes, tiny, tmp_path / "whole"), tiny)
    with pytest.raises(KeyboardInterrupt):
        sweep(plan_sweep(recipes, tiny, tmp_path / "cut"), tiny, progress=SweepProgress(step=interrupt))
    assert len(_rows(tmp_path / "cut")) == 2
    half = tmp_path / "cut" / ".half-written.0123456789ab.results.csv"  # as a kill may leave
    half.touch()
    sweep(plan_sweep(recipes, tiny, tmp_path / "cut"), tiny)
    tables = [(tmp_path / name / "results.csv").read_bytes() for name in ("whole", "cut")]
    assert tables[0] == tables[1] and not half.exists()


def test_a_run_that_fails_is_listed_and_tried_again_on_request(recipes, tiny, tmp_path):
    wild = dataclasses.replace(recipes[0], learning_rate=1e30)
    failures = []
    plan = plan_sweep([wild, recipes[1]], tiny, tmp_path)
    found = sweep(plan, tiny, progress=SweepProgress(failed=lambda job, reason: failures.append(reason)))
    (name,) = found.failures
    assert "diverged" in found.failures[name] and failures == [found.failures[name]]
    assert _names(found.results) == ["3 2 1"]

    again = plan_sweep([wild, recipes[1]], tiny, tmp_path)
    assert again.jobs == () and {job.folder.name: why for job, why in again.failures.items()} == found.failures
    retried = plan_sweep([wild, recipes[1]], tiny, tmp_path, retry_failed=True)
    assert [job.recipe for job in retried.jobs] == [wild] and retried.failures == {}
    # What made it fail is gone.
    for file in ("config.json", "history.csv", "seconds.json"):
        (tmp_path / name / file).unlink()
    healed = sweep(plan_sweep([recipes[0]], tiny, tmp_path, retry_failed=True), tiny)
    assert healed.failures == {} and RunFolder(tmp_path / name).failure() is None


def test_a_failure_that_another_sweep_mends_meanwhile_is_none_at_the_end(recipes, tiny, tmp_path):
    folder = tmp_path / f"{recipes[0].name}-{keras.config.backend()}"
    RunFolder(folder).write_failure("The machine lost its power.")
    plan = plan_sweep(recipes[:2], tiny, tmp_path)
    assert [job.recipe for job in plan.jobs] == [recipes[1]] and len(plan.failures) == 1

    def other_sweep(*_):
        sweep(plan_sweep(recipes[:1], tiny, tmp_path, retry_failed=True), tiny)

    found = sweep(plan, tiny, progress=SweepProgress(finished=other_sweep))
    assert found.failures == {} and _names(found.results) == ["3 0 1", "3 2 1"]


def test_a_folder_with_another_run_is_a_failure_and_is_left_alone(recipes, tiny, tmp_path):
    sweep(plan_sweep(recipes[:1], tiny, tmp_path), tiny)
    before = (tmp_path / "results.csv").read_bytes()
    longer = dataclasses.replace(recipes[0], epochs=3)
    found = sweep(plan_sweep([longer], tiny, tmp_path, retry_failed=True), tiny)
    assert "epochs: 2 there, 3 here" in next(iter(found.failures.values()))
    assert (tmp_path / "results.csv").read_bytes() == before


def test_what_would_end_every_run_ends_the_sweep(recipes, tiny, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(one_run, "trained", full)
    with pytest.raises(OSError, match="No space left"):
        sweep(plan_sweep(recipes, tiny, tmp_path), tiny)
    assert all(RunFolder(folder).failure() is None for folder in tmp_path.iterdir() if folder.is_dir())


def test_a_sweep_waits_for_runs_of_another_process_and_takes_their_results(recipes, tiny, tmp_path, monkeypatch):
    plan = plan_sweep(recipes[:2], tiny, tmp_path)
    other = RunFolder(plan.jobs[0].folder).locked()
    other.__enter__()
    waited = []

    def ends(runs):
        waited.append(runs)
        other.__exit__(None, None, None)

    monkeypatch.setattr(sweeping, "SECONDS_BETWEEN_LOOKS", 0)
    found = sweep(plan, tiny, progress=SweepProgress(waiting=ends))
    assert waited == [1] and _names(found.results) == ["3 0 1", "3 2 1"]


def test_the_table_leaves_out_what_is_not_a_number(recipes, tiny, tmp_path):
    found = sweep(plan_sweep(recipes[:1], tiny, tmp_path), tiny)
    assert isinstance(found.results[0], RunResult)
    (row,) = _rows(tmp_path)
    assert row["rlct"] == "" and row["self_prediction_r2"] == "" and not math.isnan(float(row["weight_spread"]))


def test_workers_must_be_positive(recipes, tiny, tmp_path):
    with pytest.raises(ValueError, match="Received: workers=0"):
        sweep(plan_sweep(recipes, tiny, tmp_path), tiny, workers=0)


@pytest.mark.parametrize("retry_failed", [False, True])
def test_a_run_that_cannot_be_read_fails_and_the_others_are_computed(
    recipes, tiny, tmp_path, monkeypatch, retry_failed
):
    folder = tmp_path / f"{recipes[0].name}-{keras.config.backend()}"
    folder.mkdir()
    lock(monkeypatch, folder)
    plan = plan_sweep(recipes[:2], tiny, tmp_path, retry_failed=retry_failed)
    assert list(plan.failures.values()) == [f"{folder.name} is unreadable: Permission denied."]
    found = sweep(plan, tiny)
    assert _names(found.results) == ["3 2 1"] and list(found.failures) == [folder.name]
