import dataclasses
from pathlib import Path

import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel.experiments import grid, networks_sampled_at_once, plan_sweep, read_run, run, sweep
from keras_selfmodel.experiments.run_config import CONFIG, RunConfig
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.stages import concluding, measuring
from keras_selfmodel.experiments.sweeps import measuring_together, sweeping
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.measuring_together import can_be_measured_together, measure_together
from keras_selfmodel.models import mlp
from keras_selfmodel.rlct import SamplingSettings, sampling
from keras_selfmodel.rlct.chains import Chains

pytestmark = pytest.mark.usefixtures("without_figures")


@pytest.fixture(scope="module")
def recipes(recipe):
    """Of one size, two seeds with and without self-modeling."""
    return grid(dataclasses.replace(recipe, epochs=2), hidden=[3], aux_weights=[0, 2], seeds=[1, 2])


@pytest.fixture(scope="module")
def measured_alone(recipes, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concluding, "run_figures", lambda *_: {})
        return [run(recipe, tiny, folder / recipe.name) for recipe in recipes]


@pytest.fixture
def trained(recipes, measured_alone, tmp_path):
    """Runs with the networks of those measured alone, not measured."""
    jobs = []
    for recipe, alone in zip(recipes, measured_alone, strict=True):
        job = Job(recipe, tmp_path / "sweep" / recipe.name)
        job.folder.mkdir(parents=True)
        for name in ("config.json", "history.csv", "model.keras", "seconds.json"):
            (job.folder / name).write_bytes((alone.folder / name).read_bytes())
        jobs.append(job)
    return jobs


def assert_as_alone(job, tiny, alone):
    """Single precision in another order of additions; the estimates are nβ, some ten, times differences of losses."""
    found = run(job.recipe, tiny, job.folder, resume=True)
    assert found.accuracy == alone.accuracy and found.weight_spread == alone.weight_spread
    assert found.rlct.value == pytest.approx(alone.rlct.value, abs=1e-4)
    assert found.rlct.std_error == pytest.approx(alone.rlct.std_error, abs=1e-4)
    assert found.rlct_descended.value == pytest.approx(alone.rlct_descended.value, abs=1e-4)
    assert set(found.seconds) == set(alone.seconds)
    assert sorted(file.name for file in found.folder.iterdir()) == sorted(f.name for f in alone.folder.iterdir())
    ours, theirs = (np.load(result.folder / "rlct_traces.npz") for result in (found, alone))
    np.testing.assert_allclose(ours["losses"], theirs["losses"], rtol=1e-5, atol=1e-5)


def test_networks_measured_together_are_measured_as_alone(trained, tiny, measured_alone, monkeypatch):
    reported = []
    with monkeypatch.context() as patch:
        patch.setattr(Chains, "run", lambda *_: pytest.fail("a network's chains were moved alone"))
        measure_together(trained, tiny, progress=lambda job, *what: reported.append((job, *what)))
    steps = trained[0].recipe.rlct.num_steps
    assert {(job, part, steps, steps) for job in trained for part in ("RLCT", "after descent")} <= set(reported)
    for job, alone in zip(trained, measured_alone, strict=True):
        assert RunFolder(job.folder).finished
        assert_as_alone(job, tiny, alone)


def test_those_networks_alone_that_need_it_are_measured_after_descent(trained, tiny, measured_alone, monkeypatch):
    monkeypatch.setattr(measuring, "at_no_minimum", lambda estimate: estimate.settings.seed == 2)
    where_needed = []
    for job in trained:
        recipe = dataclasses.replace(job.recipe, descend=False)
        CONFIG.write(job.folder / "config.json", RunConfig.of(recipe, tiny))
        where_needed.append(Job(recipe, job.folder))
    measure_together(where_needed, tiny)
    for job, alone in zip(where_needed, measured_alone, strict=True):
        found = read_run(job.folder)
        assert found.rlct.value == pytest.approx(alone.rlct.value, abs=1e-4)
        if job.recipe.seed == 2:
            assert found.rlct_descended.value == pytest.approx(alone.rlct_descended.value, abs=1e-4)
        else:
            assert found.rlct_descended is None


def test_an_interrupted_measuring_goes_on_in_each_run(trained, tiny, measured_alone, monkeypatch):
    monkeypatch.setattr(sampling, "SECONDS_BETWEEN_WRITES", 0.0)
    calls = []

    def interrupt(job, part, done, total):
        calls.append(done)
        if part == "after descent" and done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_together(trained, tiny, progress=interrupt)
    for job, alone in zip(trained, measured_alone, strict=True):
        files = RunFolder(job.folder)
        assert files.sampling("trained").exists() and not files.finished
        assert_as_alone(job, tiny, alone)


def test_a_run_that_fails_takes_no_other_with_it(trained, tiny, measured_alone):
    RunFolder(trained[0].folder).sampling("descend").write_bytes(b"no sampling")
    measure_together(trained, tiny)
    assert [RunFolder(job.folder).finished for job in trained] == [False, True, True, True]
    with pytest.raises(ValueError, match="holds no sampling that can be read"):
        run(trained[0].recipe, tiny, trained[0].folder, resume=True)
    assert_as_alone(trained[3], tiny, measured_alone[3])


def test_runs_that_cannot_be_measured_are_left_alone(trained, tiny):
    (trained[0].folder / "model.keras").unlink()
    with RunFolder(trained[1].folder).locked():
        measure_together(trained[:3], tiny)
    assert [RunFolder(job.folder).finished for job in trained] == [False, False, True, False]
    before = (trained[2].folder / "metrics.json").stat().st_mtime_ns
    measure_together(trained[2:3], tiny)
    assert (trained[2].folder / "metrics.json").stat().st_mtime_ns == before


def test_memory_bounds_how_many_are_sampled_at_once(trained, tiny, monkeypatch):
    model, settings = mlp(6, inputs=10, classes=3, seed=1), SamplingSettings(convention="paper", batch_size=32)
    # (10 · 6 + 6) + (6 · 3 + 3) weights of four chains; 10 inputs, 6 + 3 outputs.
    each = 4 * 4 * (6 * (66 + 21) + 4 * 32 * (10 + 9))
    assert networks_sampled_at_once(model, settings, limit=5 * each) == 5
    assert networks_sampled_at_once(model, settings, limit=5 * each - 1) == 4
    assert networks_sampled_at_once(model, settings, limit=1) == 1
    sizes = []
    original = measuring_together._measure
    monkeypatch.setattr(
        measuring_together, "_measure", lambda opened, *rest: sizes.append(len(opened)) or original(opened, *rest)
    )
    measure_together(trained[:2], tiny, limit=1)
    assert sizes == [1, 1]


def test_which_runs_can_be_measured_together(recipe):
    other = SamplingSettings(step_size=1e-3)
    for settings, possible in ((recipe.rlct, True), (None, False), (other, False)):
        assert can_be_measured_together(Job(dataclasses.replace(recipe, rlct=settings), Path())) == possible


@pytest.mark.skipif(not transforms.FUNCTIONAL_OPTIMIZERS, reason="Keras's optimizers work in place on this backend")
def test_a_sweep_trains_and_measures_together(recipes, tiny, tmp_path, measured_alone, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "measuring_together_pays", lambda: True)
        patch.setattr(Chains, "run", lambda *_: pytest.fail("a network's chains were moved alone"))
        found = sweep(plan_sweep(recipes, tiny, tmp_path), tiny, together=True)
    assert found.failures == {}
    results = {result.recipe: result for result in found.results}
    for alone in measured_alone:
        # The weights differ too: those of networks that were trained together.
        assert results[alone.recipe].rlct.value == pytest.approx(alone.rlct.value, abs=1e-3)
