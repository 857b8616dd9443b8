import dataclasses

import pytest

from keras_selfmodel.experiments import expected_seconds, grid, plan_sweep, run
from keras_selfmodel.experiments.stages import concluding
from keras_selfmodel.experiments.sweeps import expected_time
from keras_selfmodel.experiments.sweeps.expected_time import pilot_seconds


def test_the_pilot_counts_every_epoch_and_every_step(recipe, tiny, monkeypatch):
    """A clock on which an epoch of the pilot takes 2 s and a step of sampling 0.5 s, each first of which compiles."""
    asked = []

    def pretend(short, dataset, folder, *, progress):
        asked.append((short, dataset))
        now = [0.0]
        monkeypatch.setattr(expected_time.time, "perf_counter", lambda: now[0])
        for epoch, seconds in enumerate((30.0, 2.0), start=1):
            now[0] += seconds
            progress.epoch(epoch, 2, {})
        for done, seconds in ((40, 50.0), (80, 20.0), (120, 45.0)):
            now[0] += seconds
            progress.sampling(done, 120)

    monkeypatch.setattr(expected_time, "run", pretend)
    rlct = dataclasses.replace(recipe.rlct, burn_in=500, num_draws=500)
    asked_for = dataclasses.replace(recipe, epochs=50, rlct=rlct)
    # 50 epochs; 1,000 steps of sampling, and after a descent of 500 steps 1,000 again.
    assert pilot_seconds(asked_for, tiny) == pytest.approx(50 * 2.0 + 2500 * 0.5)
    short, dataset = asked[0]
    assert short.hidden == recipe.hidden and short.epochs == 2 and len(dataset.y_train) == 200
    small = dataclasses.replace(asked_for, batch_size=1)  # 120 of the 200 samples are 120 batches of it
    assert pilot_seconds(small, tiny) == pytest.approx(50 * 2.0 * 200 / 120 + 2500 * 0.5)


def test_runs_that_are_there_tell_how_long_others_take(recipe, tiny, tmp_path, monkeypatch):
    recipes = grid(dataclasses.replace(recipe, rlct=None, epochs=1), hidden=[3], aux_weights=[0, 2], seeds=[1, 2])
    monkeypatch.setattr(concluding, "run_figures", lambda *_: {})
    done = run(recipes[0], tiny, plan_sweep(recipes, tiny, tmp_path).jobs[0].folder)
    monkeypatch.setattr(expected_time, "pilot_seconds", lambda *_: pytest.fail("a pilot is not needed"))
    plan = plan_sweep(recipes, tiny, tmp_path)
    assert expected_seconds(plan, tiny) == pytest.approx(3 * sum(done.seconds.values()))
