import dataclasses
import errno
import json
import os

import keras
import numpy as np
import pytest

from keras_selfmodel.experiments import RunFolderError, RunWarning
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.models import mlp
from keras_selfmodel.studies.compression import CURVES, CompressionProtocol, compress_runs, stored_compressions
from keras_selfmodel.studies.compression.compressing import Compressing
from tests.studies.made_up import made_up_run, network_written

FEW = CompressionProtocol(samples=30, draws=1, retraining_epochs=1)


@pytest.fixture
def runs(tmp_path):
    found = []
    for seed in (1, 2):
        network = mlp(4, inputs=9, classes=2, seed=seed)
        network.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        result = made_up_run(10.0, seed, hidden=4)
        found.append(network_written(result, network, tmp_path / result.folder.name))
    return found


def test_each_network_is_compressed_once_and_an_interruption_loses_one_at_most(runs, dataset, monkeypatch):
    calls, compress = [], Compressing.compress

    def interrupted(self, run, **settings):
        calls.append(run.result.recipe.seed)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return compress(self, run, **settings)

    monkeypatch.setattr(Compressing, "compress", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compress_runs(runs, dataset, protocol=FEW)
    told = []
    found = compress_runs(runs, dataset, protocol=FEW, progress=lambda *numbers: told.append(numbers))
    assert calls == [1, 2, 2] and told[-1] == (8, 8)
    assert [one.compression for one in found] == [one.compression for one in stored_compressions(runs)]
    assert set(found[0].compression.curves) == set(CURVES) and found[0].compression.not_measured == {}
    assert found[0].compression.protocol.samples == 30 and found[0].compression.size == 9 * 4 + 4 * 2
    # Another protocol, or another network, and it is done again.
    compress_runs(runs[:1], dataset, protocol=dataclasses.replace(FEW, seed=1))
    assert calls[3:] == [1]
    runs[0].folder.joinpath("model.keras").write_bytes(runs[1].folder.joinpath("model.keras").read_bytes())
    assert [one.result.recipe.seed for one in stored_compressions(runs)] == [2]
    # A file that was edited.
    file = runs[1].folder / "compression.json"
    values = json.loads(file.read_text())
    values["curves"]["bits"]["points"][0]["loss"] = "much"
    file.write_text(json.dumps(values))
    with pytest.warns(RunWarning, match="Left out"):
        assert stored_compressions(runs) == []
    with pytest.warns(RunWarning, match=r"curves.*loss must be a number.*The network is compressed again"):
        (again,) = compress_runs(runs[1:], dataset, protocol=FEW)
    assert calls[4:] == [2] and again.compression == found[1].compression


def test_what_cannot_be_measured_is_named(runs, dataset):
    flat = dataclasses.replace(dataset, x_train=dataset.x_train.reshape(60, 9), x_test=dataset.x_test.reshape(60, 9))
    (one,) = compress_runs(runs[:1], flat, protocol=FEW)
    assert set(one.compression.not_measured) == {"input_blur", "input_shift", "input_occlusion"}
    assert "not images (uint8, shape (9,))" in one.compression.not_measured["input_blur"]


def test_more_samples_than_there_are_and_other_data_are_refused(runs, dataset):
    with pytest.raises(ValueError, match="at most the 60 test samples"):
        compress_runs(runs, dataset, protocol=CompressionProtocol(samples=61))
    with pytest.raises(ValueError, match="was trained on other data"):
        compress_runs(runs, dataclasses.replace(dataset, digest="cd" * 32), protocol=FEW)
    with pytest.raises(ValueError, match="draws must be a whole number from 1 to"):
        CompressionProtocol(draws=0)
    runs[0].folder.joinpath("model.keras").unlink()
    with (
        pytest.warns(RunWarning, match=r"Left out: .*model\.keras"),
        pytest.raises(RunFolderError, match="No network of these runs can be read"),
    ):
        compress_runs(runs[:1], dataset, protocol=FEW)


def test_a_network_that_diverged_is_refused(runs, dataset, tmp_path):
    network = mlp(4, inputs=9, classes=2, seed=1)
    network.set_weights([np.full_like(values, np.nan) for values in network.get_weights()])
    network.compile("sgd", loss="sparse_categorical_crossentropy")
    result = network_written(made_up_run(10.0, 3, hidden=4), network, tmp_path / "diverged")
    with pytest.raises(ValueError, match="diverged"):
        compress_runs([result], dataset, protocol=FEW)


def test_what_cannot_be_kept_is_returned_and_the_other_networks_are_compressed(runs, dataset, monkeypatch):
    write, protected = RunFolder.write, runs[0].folder

    def refused(files, name, *arguments):
        if files.path == protected:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(protected / name))
        write(files, name, *arguments)

    monkeypatch.setattr(RunFolder, "write", refused)
    with pytest.warns(RunWarning, match=r"compression\.json: Read-only file system\. What was found"):
        found = compress_runs(runs, dataset, protocol=FEW)
    assert [one.not_kept and one.not_kept.filename for one in found] == [str(protected / "compression.json"), None]
    assert found[1].compression == stored_compressions(runs)[0].compression and len(stored_compressions(runs)) == 1
