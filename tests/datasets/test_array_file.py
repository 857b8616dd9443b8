import io
import pickle
import zipfile

import numpy as np
import pytest

from keras_selfmodel.datasets import DataCorruptedError, DataNotFoundError
from keras_selfmodel.datasets.array_file import read_array_file


@pytest.fixture
def arrays():
    return {
        "x_train": np.ones((4, 3)),
        "y_train": np.array([0, 1, 0, 1]),
        "x_test": np.ones((1, 3)),
        "y_test": np.array([1]),
    }


def test_a_file_is_read_and_compression_is_no_difference(arrays, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    np.savez_compressed(tmp_path / "b.npz", **arrays)
    one, other = (read_array_file("mine", tmp_path / name) for name in ("a.npz", "b.npz"))
    assert one.source == str(tmp_path / "a.npz") and one.digest == other.digest
    assert one.x_train.shape == (4, 3) and one.num_classes == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="There is no file .*a.npz"):
        read_array_file("mine", tmp_path / "a.npz")
    with pytest.raises(DataNotFoundError, match="to read: it is a folder"):
        read_array_file("mine", tmp_path)


def test_a_missing_array_is_named_with_what_is_there(arrays, tmp_path):
    del arrays["y_test"]
    np.savez(tmp_path / "a.npz", **arrays, extra=1)
    with pytest.raises(DataCorruptedError, match="Missing: y_test; it holds: x_train, y_train, x_test, extra"):
        read_array_file("mine", tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"no arrays at all", b"PK\x03\x04 half a zip file", pickle.dumps([1])])
def test_a_file_of_something_else_is_refused(content, tmp_path):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataCorruptedError, match="a.npz cannot be read") as caught:
        read_array_file("mine", tmp_path / "a.npz")
    assert "pickle" not in str(caught.value)


def test_an_array_that_fits_into_no_memory_is_named(arrays, tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 6)})
    np.savez(tmp_path / "a.npz", **{name: values for name, values in arrays.items() if name != "x_train"})
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("x_train.npy", header.getvalue() + bytes(80))
    with pytest.raises(
        MemoryError, match=r"a\.npz: x_train does not fit into memory, or its header is damaged: Unable"
    ):
        read_array_file("mine", tmp_path / "a.npz")


def test_a_file_of_one_array_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(DataCorruptedError, match="holds one array"):
        read_array_file("mine", tmp_path / "a.npy")


def test_pickles_are_not_run(arrays, tmp_path):
    np.savez(tmp_path / "a.npz", **{**arrays, "x_train": np.array([{}, None], object)})
    with pytest.raises(
        DataCorruptedError, match=r"a\.npz: x_train must hold numbers or texts\. Received: objects of Python\."
    ):
        read_array_file("mine", tmp_path / "a.npz")


def test_a_name_that_no_file_can_have_is_shortened(tmp_path):
    with pytest.raises(DataNotFoundError, match="File name too long") as caught:
        read_array_file("mine", tmp_path / ("x" * 5000))
    assert len(str(caught.value)) < 200 and str(tmp_path)[:50] in str(caught.value)
