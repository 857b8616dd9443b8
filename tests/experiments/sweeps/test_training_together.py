import dataclasses

import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel.experiments import SweepProgress, grid, networks_at_once, plan_sweep, run, sweep
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.sweeps import training_together
from keras_selfmodel.experiments.sweeps.training_together import train_together
from keras_selfmodel.models import SelfModelingModel, mlp

pytestmark = [
    pytest.mark.usefixtures("without_figures"),
    pytest.mark.skipif(not transforms.FUNCTIONAL_OPTIMIZERS, reason="Keras's optimizers work in place on this backend"),
]


@pytest.fixture(scope="module")
def recipes(recipe):
    base = dataclasses.replace(recipe, rlct=None, epochs=3)
    return grid(base, hidden=[3, 5], aux_weights=[0, 2], seeds=[1, 2])


def _assert_as_alone(found, tiny, folder):
    """Single precision: 1e-5 of values of order one. Accuracies may differ by none of 30 samples."""
    alone = run(found.recipe, tiny, folder)
    assert found.accuracy == pytest.approx(alone.accuracy, abs=1e-6)
    measures = ("weight_spread", "self_prediction_r2", "self_prediction_loss")
    for name in measures if found.recipe.aux_weight else measures[:1]:
        assert getattr(found, name) == pytest.approx(getattr(alone, name), rel=1e-5, abs=1e-5)
    ours, theirs = (RunFolder(result.folder).read_history() for result in (found, alone))
    assert [list(row) for row in ours] == [list(row) for row in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(list(mine.values()), list(other.values()), rtol=1e-5, atol=1e-5)


def test_a_sweep_trained_together_finds_what_single_runs_find(recipes, tiny, tmp_path):
    reported = []
    progress = SweepProgress(step=lambda job, part, done, total: reported.append((job.recipe.name, done, total)))
    found = sweep(plan_sweep(recipes, tiny, tmp_path / "sweep"), tiny, together=True, progress=progress)
    assert len(found.results) == 8 and found.failures == {}
    for number, result in enumerate(found.results):
        assert result.seconds["training"] > 0
        if number in (1, 6):  # one of each size, one of them without self-modeling
            _assert_as_alone(result, tiny, tmp_path / str(number))
    assert {(recipe.name, 3, 3) for recipe in recipes} <= set(reported)


@pytest.mark.any_backend
def test_an_interrupted_training_goes_on_from_its_checkpoints(recipes, tiny, tmp_path):
    jobs = plan_sweep(recipes[:3], tiny, tmp_path / "cut").jobs

    def interrupt(job, done, total):
        if done == 2 and job == jobs[1]:  # the other's checkpoint of this epoch is not written yet
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_together(jobs, tiny, on_epoch=interrupt, seconds_between_checkpoints=0)
    epochs = []
    assert train_together(jobs, tiny, on_epoch=lambda job, done, _: epochs.append((job.recipe.name, done))) == {}
    assert (jobs[1].recipe.name, 1) not in epochs and (jobs[1].recipe.name, 3) in epochs
    found = sweep(plan_sweep(recipes[:3], tiny, tmp_path / "cut"), tiny)
    for number, result in enumerate(found.results):
        _assert_as_alone(result, tiny, tmp_path / str(number))


def test_a_network_that_diverges_takes_no_other_with_it(recipes, tiny, tmp_path):
    jobs = plan_sweep([dataclasses.replace(recipes[1], aux_weight=1e30), recipes[1]], tiny, tmp_path).jobs
    failures = train_together(jobs, tiny)
    assert list(failures) == [jobs[0]] and "diverged" in failures[jobs[0]]
    assert RunFolder(jobs[0].folder).failure() == failures[jobs[0]]
    assert RunFolder(jobs[1].folder).model.exists() and not RunFolder(jobs[0].folder).model.exists()


def test_runs_of_another_process_are_left_to_it(recipes, tiny, tmp_path):
    jobs = plan_sweep(recipes[1:3], tiny, tmp_path).jobs
    with RunFolder(jobs[0].folder).locked():
        train_together(jobs, tiny)
    assert [RunFolder(job.folder).model.exists() for job in jobs] == [False, True]


def test_memory_bounds_how_many_are_trained_at_once(recipes, tiny, tmp_path, monkeypatch):
    model = SelfModelingModel(mlp(6, inputs=10, classes=3, seed=1), "hidden")
    # (10 · 6 + 6) + (6 · 3 + 3) + (6 · 6 + 6) weights; 10 inputs, 6 + 3 outputs, target and prediction of 6.
    each = 4 * (7 * (66 + 21 + 42) + 4 * 32 * (10 + 9 + 12))
    assert networks_at_once(model, 32, limit=5 * each) == 5
    assert networks_at_once(model, 32, limit=5 * each - 1) == 4
    assert networks_at_once(model, 32, limit=1) == 1
    sizes = []
    original = training_together._train
    monkeypatch.setattr(training_together, "_train", lambda group: sizes.append(len(group)) or original(group))
    train_together(plan_sweep(recipes[:3], tiny, tmp_path).jobs, tiny, limit=1)
    assert sizes == [1, 1, 1]


def test_networks_on_noisy_data_are_not_trained_together_because_each_seed_has_its_own(recipes, tiny, tmp_path):
    noisy = [dataclasses.replace(one, label_noise=0.1) for one in recipes]
    with pytest.raises(ValueError, match="mnist in float32 on noisy data cannot be trained together"):
        sweep(plan_sweep(noisy, tiny, tmp_path), tiny, together=True)
