"""Weights kept during training."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel._typed_files import plain, typed
from keras_selfmodel.experiments import Recipe, RunFolderError, geometric_epochs, run
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.stages import concluding
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.training_together import train_together
from keras_selfmodel.experiments.tasks import find_task
from tests.experiments.conftest import interrupted_after_epoch

pytestmark = pytest.mark.usefixtures("without_figures")


@pytest.fixture(scope="module")
def keeping(recipe) -> Recipe:
    return dataclasses.replace(recipe, rlct=None, epochs=3, keep_epochs=(0, 1, 2, 3))


@pytest.fixture(scope="module")
def kept(keeping, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concluding, "run_figures", lambda *_: {})
        run(keeping, tiny, folder)
    return RunFolder(folder)


def _weights(files: RunFolder, epoch: int) -> list[np.ndarray]:
    model = keras.models.load_model(files.model)
    model.load_weights(files.kept(epoch))
    return model.get_weights()


def _assert_equal(weights, others):
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_weights_of_each_epoch_are_those_at_which_a_shorter_training_ends(kept, keeping, tiny, tmp_path):
    _assert_equal(_weights(kept, 0), compiled_model(find_task("mnist"), keeping, tiny).get_weights())
    run(dataclasses.replace(keeping, epochs=2, keep_epochs=()), tiny, tmp_path)
    _assert_equal(_weights(kept, 2), keras.models.load_model(tmp_path / "model.keras").get_weights())


def test_the_last_epoch_is_not_kept_twice(kept):
    names = sorted(file.name for file in (kept.path / "epochs").iterdir())
    assert names == [f"epoch-0000{epoch}.weights.h5" for epoch in (0, 1, 2)]


@pytest.mark.parametrize("seconds", [0, 1e9])
def test_a_resumed_run_ends_with_the_same_kept_weights(kept, keeping, tiny, tmp_path, seconds):
    with pytest.raises(KeyboardInterrupt):
        run(keeping, tiny, tmp_path, progress=interrupted_after_epoch(2), seconds_between_checkpoints=seconds)
    run(keeping, tiny, tmp_path, resume=True)
    for epoch in (0, 1, 2):
        _assert_equal(_weights(RunFolder(tmp_path), epoch), _weights(kept, epoch))
    assert (tmp_path / "metrics.json").read_bytes() == (kept.path / "metrics.json").read_bytes()


def test_weights_are_kept_before_the_checkpoint_that_would_skip_them(keeping, tiny, tmp_path, monkeypatch):
    """A checkpoint of an epoch whose weights are missing would lose them for good."""
    model_of = compiled_model(find_task("mnist"), keeping, tiny)
    save, seen = type(model_of).save, []

    def spy(self, file, *args, **kwargs):
        seen.append([RunFolder(tmp_path).kept(epoch).exists() for epoch in (1, 2)])
        return save(self, file, *args, **kwargs)

    monkeypatch.setattr(type(model_of), "save", spy)
    run(keeping, tiny, tmp_path, seconds_between_checkpoints=0)
    assert seen[:2] == [[True, False], [True, True]]


@pytest.mark.skipif(not transforms.FUNCTIONAL_OPTIMIZERS, reason="Keras's optimizers work in place on this backend")
def test_networks_trained_together_are_kept_too(kept, keeping, tiny, tmp_path):
    assert train_together([Job(keeping, tmp_path / "run")], tiny) == {}
    for epoch in (0, 1, 2):
        for one, other in zip(_weights(RunFolder(tmp_path / "run"), epoch), _weights(kept, epoch), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)  # another order of additions, in single precision


def test_other_epochs_are_refused_and_named(kept, keeping, tiny):
    with pytest.raises(RunFolderError, match="keep_epochs: 0,1,2,3 there, none here"):
        run(dataclasses.replace(keeping, keep_epochs=()), tiny, kept.path, resume=True)


def test_the_epochs_kept_survive_json(recipe, keeping):
    assert typed(Recipe, plain(recipe), "recipe") == recipe
    assert typed(Recipe, plain(keeping), "recipe") == keeping


@pytest.mark.parametrize("epochs", [(4,), (-1,), (0.5,)])
def test_epochs_that_the_training_does_not_have_are_refused(keeping, epochs):
    with pytest.raises(ValueError, match="keep_epochs must be whole numbers from 0 to epochs=3"):
        dataclasses.replace(keeping, keep_epochs=epochs)


@pytest.mark.parametrize(("epochs", "found"), [(1, (0, 1)), (2, (0, 1, 2)), (9, (0, 1, 2, 4, 8, 9))])
def test_geometric_epochs_end_with_the_last(epochs, found):
    assert geometric_epochs(epochs) == found
