import dataclasses

import keras
import numpy as np
import pytest

from keras_selfmodel import SelfModelingModel
from keras_selfmodel.datasets import Dataset, limited
from keras_selfmodel.experiments import RunFolderError
from keras_selfmodel.models import mlp
from keras_selfmodel.studies import StoredRun, identity_of_run
from tests.studies.made_up import made_up_run, network_written


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 3, 3, 1), dtype=np.uint8), np.arange(40, dtype=np.int32) % 2
    return Dataset(
        "mnist", x[:30], y[:30], x[30:], y[30:], num_classes=2, source="made up", digest="ab" * 32, is_subset=False
    )


def _model(aux_weight: float) -> keras.Model:
    model = mlp(5, inputs=9, classes=2, seed=1)
    if aux_weight:
        model = SelfModelingModel(model, "hidden", aux_weight)
    model.compile("sgd", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def _with_head(model, kernel) -> list:
    model.head.set_weights([np.asarray(kernel, "float32"), np.zeros(5, "float32")])
    return model.get_weights()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A head that is zero after epoch 1, twice the identity after epoch 2, and the identity at the end."""
    folder, model = tmp_path_factory.mktemp("runs") / "run", _model(1.0)
    kept = [(1, _with_head(model, np.zeros((5, 5)))), (2, _with_head(model, 2 * np.eye(5)))]
    _with_head(model, np.eye(5))
    result = made_up_run(1.0, hidden=5, epochs=4, keep_epochs=(1, 2, 4))
    network_written(result, model, folder, kept)
    return folder


def test_every_kept_epoch_is_compared_and_the_last(folder, dataset):
    reported = []
    found = identity_of_run(StoredRun.at(folder), dataset, progress=lambda *done: reported.append(done))
    assert [one.epoch for one in found] == [1, 2, 4]
    # E = −I, I and 0.
    np.testing.assert_allclose([one.identity.distance for one in found], [1, 1, 0], atol=1e-6)
    np.testing.assert_allclose([one.identity.weighted_distance for one in found], [1, 1, 0], atol=1e-6)
    assert found[-1].identity.r2 == pytest.approx(1.0)
    assert reported == [(1, 3), (2, 3), (3, 3)]


def test_held_out_samples_can_be_limited(folder, dataset):
    few = identity_of_run(StoredRun.at(folder), dataset, samples=4)
    assert (
        few[-1].activations.total_variance
        != identity_of_run(StoredRun.at(folder), dataset)[-1].activations.total_variance
    )


def test_of_a_baseline_the_activations_are_described(dataset, tmp_path):
    network_written(made_up_run(0.0, hidden=5), _model(0.0), tmp_path / "run")
    (found,) = identity_of_run(StoredRun.at(tmp_path / "run"), dataset)
    assert found.epoch == 50 and found.identity is None and found.activations.units == 5


def test_other_data_are_refused_and_named(folder, dataset):
    with pytest.raises(ValueError, match=r"made up \(abab.*\(examples=…\)\. Received: the first 9 examples"):
        identity_of_run(StoredRun.at(folder), limited(dataset, 9))


@pytest.mark.parametrize(("name", "content"), [("model.keras", b"no archive"), ("epochs/epoch-00002.weights.h5", b"")])
def test_a_damaged_file_is_named(folder, dataset, tmp_path, name, content):
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / name).write_bytes(content)
    with pytest.raises(RunFolderError, match=name.rsplit("/", 1)[-1]):
        identity_of_run(StoredRun.at(copy), dataset)


def test_a_file_that_is_gone_is_named(folder, dataset, tmp_path):
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "epochs" / "epoch-00001.weights.h5").unlink()
    with pytest.raises(
        RunFolderError, match="epoch-00001.weights.h5 is missing: the weights after epoch 1 are not known"
    ):
        identity_of_run(StoredRun.at(copy), dataset)


def test_a_run_that_keeps_epochs_belongs_to_the_study_of_those_that_do_not():
    from keras_selfmodel.studies import studies_of

    runs = [made_up_run(0.0, 1), made_up_run(10.0, 1, keep_epochs=(1, 2)), made_up_run(10.0, 2)]
    assert len(studies_of(dataclasses.replace(run) for run in runs)) == 1
