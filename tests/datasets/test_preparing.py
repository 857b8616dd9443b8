import errno
import sys

import pytest

from keras_selfmodel import datasets
from keras_selfmodel.datasets import preparing


def test_mnist_is_prepared_as_downloaded(local_mnist, tmp_path, capfd):
    status = datasets.prepare("mnist", tmp_path / "new")
    assert (status.prepared, status.train_examples, status.test_examples) == (True, 150, 20)
    assert capfd.readouterr() == ("", "")
    local_mnist.check(datasets.load("mnist", tmp_path / "new"))


def test_cifar10_is_prepared_as_downloaded(local_cifar10, tmp_path):
    assert datasets.prepare("cifar10", tmp_path).prepared
    local_cifar10.check(datasets.load("cifar10", tmp_path))


def test_imdb_is_prepared_as_downloaded(local_imdb, tmp_path):
    assert datasets.prepare("imdb", tmp_path).prepared
    dataset = datasets.load("imdb", tmp_path)
    assert dict(zip(dataset.x_train, dataset.y_train, strict=True)) == local_imdb["train"]
    assert dict(zip(dataset.x_test, dataset.y_test, strict=True)) == local_imdb["test"]
    assert dataset.x_train.dtype == object and dataset.num_classes == 2


def test_preparing_twice_downloads_once(small_mnist, monkeypatch):
    monkeypatch.setattr(preparing, "check_connection", lambda *arguments: pytest.fail("asked the network"))
    assert datasets.prepare("mnist", small_mnist).prepared


def test_preparing_uses_no_tensorflow(local_mnist, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorflow"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    datasets.prepare("mnist", tmp_path)
    assert "tensorflow" not in sys.modules
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("name", ["mnist", "cifar10", "imdb"])
def test_without_a_network_nothing_is_written(name, tmp_path):
    pytest.importorskip("requests")
    with pytest.raises(datasets.DataNotFoundError, match="cannot be fetched"):
        datasets.prepare(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interruption_leaves_nothing_that_counts_as_prepared(problem, local_mnist, tmp_path, monkeypatch):
    pytest.importorskip("array_record")
    from tensorflow_datasets.core import dataset_info

    def fail(*arguments):
        raise problem

    monkeypatch.setattr(dataset_info.DatasetInfo, "write_to_directory", fail)  # after all records are written
    expected = KeyboardInterrupt if isinstance(problem, KeyboardInterrupt) else datasets.DataNotFoundError
    with pytest.raises(expected):
        datasets.prepare("mnist", tmp_path)
    assert not datasets.find(tmp_path)[0].prepared
    assert list((tmp_path / "mnist").iterdir()) == []


def test_a_half_copied_folder_is_not_taken_for_a_data_set(small_mnist):
    (small_mnist / "mnist" / "3.0.1" / "dataset_info.json").unlink()
    with pytest.raises(datasets.DataCorruptedError, match="dataset_info.json"):
        datasets.prepare("mnist", small_mnist)


def test_a_missing_package_is_named_with_the_pip_line(local_mnist, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "importlib_resources", None)
    with pytest.raises(datasets.MissingPackageError, match="importlib_resources.*pip install"):
        datasets.prepare("mnist", tmp_path)
