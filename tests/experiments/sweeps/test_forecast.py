"""How long a sweep will take: from its folder, from earlier runs, or from a pilot on a clock that is made up."""

import dataclasses
import math
from pathlib import Path

import keras
import pytest

from keras_selfmodel.experiments import expected_time, grid, plan_sweep, remember_paces
from keras_selfmodel.experiments.run_config import CONFIG, RunConfig
from keras_selfmodel.experiments.sweeps import forecast, pilot
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.paces import Pace, kind_of, known_paces
from keras_selfmodel.experiments.sweeps.pilot import pilot_pace
from tests.studies.made_up import made_up_run, written

# 5 steps an epoch, the last one smaller; 8 steps of sampling, and after a descent of 4 steps 8 again.
SECONDS = {"data": 1.0, "training": 40.0, "RLCT": 8.0, "RLCT after descent": 12.0, "figures": 2.0}


@pytest.fixture
def no_pilot(monkeypatch):
    monkeypatch.setattr(forecast, "pilot_pace", lambda *_: pytest.fail("a pilot is not needed"))


def _done(recipe, dataset, folder):
    """A run of the recipe that this machine would have finished in `SECONDS`."""
    measures = {"rlct_descended": 50.0, "seconds": SECONDS, "backend": keras.config.backend()}
    run = written(made_up_run(recipe.aux_weight, recipe.seed, recipe=recipe, **measures), folder)
    CONFIG.write(folder / "config.json", RunConfig.of(recipe, dataset))
    return run


def test_finished_runs_of_the_folder_come_first(recipe, tiny, tmp_path, no_pilot):
    recipes = grid(recipe, hidden=[6], aux_weights=[2, 3], seeds=[1, 2])
    _done(recipes[0], tiny, plan_sweep(recipes, tiny, tmp_path / "sweep").jobs[0].folder)
    longer = [dataclasses.replace(one, epochs=40) for one in recipes]  # which lie in folders of other names
    expected = expected_time(plan_sweep(recipes, tiny, tmp_path / "sweep"), tiny)
    assert expected.seconds == pytest.approx(3 * sum(SECONDS.values()))
    assert expected.sources == ("finished runs of the folder",)
    jobs = tuple(dataclasses.replace(job, recipe=longer[0]) for job in plan_sweep(recipes, tiny, tmp_path / "new").jobs)
    plan = dataclasses.replace(plan_sweep(recipes, tiny, tmp_path / "sweep"), jobs=jobs)
    # Ten times the epochs are ten times the training.
    assert expected_time(plan, tiny).seconds == pytest.approx(4 * (400 + 8 + 12 + 1 + 2))


def test_earlier_runs_of_this_machine_come_next(recipe, tiny, tmp_path, no_pilot):
    remember_paces([_done(recipe, tiny, tmp_path / "elsewhere")], tiny)
    rlct = dataclasses.replace(recipe.rlct, num_draws=12)  # 16 + 16 + 4 steps of sampling, not 8 + 8 + 4
    recipes = grid(dataclasses.replace(recipe, rlct=rlct), hidden=[6], aux_weights=[2], seeds=[1, 2])
    expected = expected_time(plan_sweep(recipes, tiny, tmp_path / "sweep"), tiny)
    assert expected.seconds == pytest.approx(2 * (40 + 36 + 3)) and expected.sources == (
        "earlier runs on this machine",
    )


def test_what_is_known_of_other_networks_or_is_damaged_is_not_used(recipe, tiny, tmp_path, cache):
    remember_paces([_done(recipe, tiny, tmp_path / "run")], tiny)
    kinds = {kind_of(dataclasses.replace(recipe, **changes), tiny) for changes in (
        {}, {"hidden": 7}, {"aux_weight": 0.0}, {"rlct": None}, {"batch_size": 47}
    )}  # fmt: skip
    assert len(kinds) == 5 and set(known_paces()) == {kind_of(recipe, tiny)}
    assert kind_of(recipe, tiny) == kind_of(dataclasses.replace(recipe, seed=9, epochs=99), tiny)
    next(cache.iterdir()).write_text('{"format": 1, "kinds": []}')
    assert known_paces() == {}


def test_a_run_too_short_to_tell_leaves_it_to_the_pilot(recipe, tiny, tmp_path, monkeypatch):
    """One step, most of whose 5 s are compilation, says nothing of 4 epochs, and does not replace what did."""
    monkeypatch.setattr(forecast, "pilot_pace", lambda *_: Pace(training=0.1, sampling=None))
    recipe = dataclasses.replace(recipe, rlct=None)
    short = dataclasses.replace(
        made_up_run(2.0, 1, recipe=dataclasses.replace(recipe, epochs=1)), seconds={"training": 5.0}
    )
    few = dataclasses.replace(tiny, y_train=tiny.y_train[: recipe.batch_size])
    plan = plan_sweep([recipe], tiny, tmp_path / "sweep")
    remember_paces([short], few)
    found = expected_time(plan, tiny)
    assert found.sources == ("a short pilot run",)
    assert found.seconds == pytest.approx(0.1 * 5 * recipe.epochs)
    long = dataclasses.replace(made_up_run(2.0, 1, recipe=recipe), seconds={"training": 7.0})
    for one, data in ((long, tiny), (short, few)):
        remember_paces([one], data)
    found = expected_time(plan, tiny)
    assert found.seconds == pytest.approx(7.0) and found.sources == ("earlier runs on this machine",)


def test_pilots_come_last_and_end_after_20_seconds(recipe, tiny, tmp_path, monkeypatch):
    """On a clock on which each pilot takes 15 s: the largest network is tried, the next within 5 s, the third never."""
    now, given = [0.0], []

    def pretend(one, _, seconds):
        given.append((one.recipe.hidden, one.recipe.aux_weight, seconds))
        now[0] += 15
        return Pace(training=one.recipe.hidden, sampling=0.0)

    monkeypatch.setattr(forecast.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(forecast, "pilot_pace", pretend)
    recipes = grid(recipe, hidden=[3, 6, 9], aux_weights=[0, 2], seeds=[1])
    expected = expected_time(plan_sweep(recipes, tiny, tmp_path / "sweep"), tiny)
    assert given == [(9, 2.0, 20.0), (6, 2.0, 5.0)] and expected.sources == ("a short pilot run",)
    # 20 steps each; the baselines as the networks with a self-model, and the smallest as those of 6 units.
    assert expected.seconds == pytest.approx(20 * (9 + 9 + 6 + 6 + 6 + 6))


class _Clock:
    """A clock on which a batch takes 2 s, the first one 30 s, and a step of sampling 0.5 s."""

    def __init__(self, monkeypatch, recipe, **sampled) -> None:
        self.now, self.asked, clock = 0.0, [], self

        class Trainer:
            def fit(self, model, *, epochs, initial_epoch, callbacks):
                for epoch in range(initial_epoch, epochs):
                    for batch in range(5):
                        clock.now += 2.0 if epoch or batch else 30.0
                        callbacks[0].on_train_batch_end(batch)
                    callbacks[0].on_epoch_end(epoch)

            def training_samples(self):
                return ()

        class Problem:
            def estimate(self, settings, reports):
                clock.asked.append(settings)
                for done, seconds in ((40, 50.0), (80, 20.0), (120, 45.0)):
                    clock.now += seconds
                    reports.steps(done, 120)

        task = dataclasses.replace(Job(recipe, Path()).task, trainer=lambda *_: Trainer())
        monkeypatch.setattr(Job, "task", task)
        monkeypatch.setattr(pilot, "compiled_model", lambda *_: None)
        monkeypatch.setattr(pilot, "rlct_problem", lambda *_: Problem())
        monkeypatch.setattr(pilot.time, "perf_counter", lambda: self.now)


def test_the_pilot_counts_batches_and_steps_after_those_that_compile(recipe, tiny, monkeypatch):
    clock = _Clock(monkeypatch, recipe)
    long = dataclasses.replace(recipe, keep_epochs=(0, 1, 2, 4))  # more epochs than a pilot has
    assert pilot_pace(Job(long, Path()), tiny, math.inf) == Pace(training=2.0, sampling=0.5)
    assert clock.asked[0].burn_in == 0 and clock.asked[0].num_draws == 120


def test_a_pilot_whose_time_is_up_tells_what_it_has_seen(recipe, tiny, monkeypatch):
    clock = _Clock(monkeypatch, recipe)
    # The training ends with its second batch, the sampling with its first 40 steps, which compile.
    assert pilot_pace(Job(recipe, Path()), tiny, 62.0) == Pace(training=2.0, sampling=50 / 40)
    assert clock.now == 32 + 50


@pytest.mark.parametrize("measured", [True, False])
def test_a_real_pilot_leaves_no_files(recipe, tiny, tmp_path, monkeypatch, measured):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    asked = recipe if measured else dataclasses.replace(recipe, rlct=None)
    pace = pilot_pace(Job(asked, Path()), tiny, 20.0)
    assert pace.training > 0 and (pace.sampling is not None) == measured and list(tmp_path.iterdir()) == []
