import re

import numpy as np
import pytest

from keras_selfmodel.datasets.arrays import from_arrays
from keras_selfmodel.datasets.reshaping import reshaped
from keras_selfmodel.datasets.scaling import scaled


def _arrays(**changed):
    arrays = {
        "x_train": np.arange(12, dtype="float32").reshape(6, 2),
        "y_train": np.array([0, 1, 2, 2, 1, 0]),
        "x_test": np.ones((2, 2), "float32"),
        "y_test": np.array([2, 0]),
    }
    return {**arrays, **changed}


def test_arrays_become_a_data_set():
    dataset = from_arrays("mine", **_arrays(), source="here")
    assert (dataset.name, dataset.num_classes, dataset.source, dataset.is_subset) == ("mine", 3, "here", False)
    assert dataset.y_train.dtype == np.int32 and dataset.y_train.tolist() == [0, 1, 2, 2, 1, 0]
    assert dataset.x_train.dtype == np.float32 and dataset.x_test.shape == (2, 2)


def test_the_digest_follows_values_types_and_shapes_alone():
    digest = from_arrays("mine", **_arrays(), source="here").digest
    assert from_arrays("other", **_arrays(), source="there").digest == digest
    assert from_arrays("mine", **_arrays(y_train=_arrays()["y_train"].astype(np.uint8)), source="").digest == digest
    x = _arrays()["x_train"]
    strided = np.asfortranarray(x.astype(">f4"))
    assert from_arrays("mine", **_arrays(x_train=strided), source="").digest == digest
    changed = x.copy()
    changed[5, 1] += 1
    others = [_arrays(x_train=changed), _arrays(y_test=np.array([2, 1])), _arrays(x_train=x.astype("float64"))]
    assert len({digest, *(from_arrays("mine", **a, source="").digest for a in others)}) == 4


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x_train": np.array(["a"] * 6)}, "x_train must hold numbers.*<U1 of shape (6,)"),
        ({"x_train": np.arange(6.0)}, "x_train must hold numbers, of shape (samples, ...).*shape (6,)"),
        ({"x_test": np.ones((0, 2)), "y_test": np.ones(0, int)}, "x_test .*not be empty.*(0, 2)"),
        ({"x_test": np.array([[0, 1], [np.nan, 2]])}, "x_test must be finite.*1 numbers.*x_test[1, 0] = nan"),
        ({"x_test": np.array([[0, 1e300], [1, 2]])}, "x_test must be finite in float32.*x_test[0, 1]"),
        ({"y_train": np.arange(6.0)}, "y_train must hold whole numbers.*float64"),
        ({"y_train": np.eye(3)[[0, 1, 2, 2, 1, 0]].astype(int)}, "y_train must hold whole numbers.*(6, 3)"),
        ({"y_train": np.array([0, 1, 2, 2, 1, -1])}, "y_train must be at least 0.*-1"),
        ({"y_train": np.array([0, 1, 3, 3, 1, 0])}, "Classes must be numbered from 0.*number 3, but 1.*first 2 "),
        ({"y_train": np.array([1, 2, 3, 3, 1, 2])}, "Classes must be numbered from 0.*first 0 "),
        ({"y_train": np.array([0, 1, 2**40, 0, 1, 0])}, "Classes must be numbered from 0.*1099511627776"),
        ({"y_train": np.zeros(6, int), "y_test": np.zeros(2, int)}, "at least 2 classes"),
        ({"y_test": np.array([0, 3])}, "y_test must hold classes that occur in y_train, 0 to 2.*3"),
        ({"y_train": np.array([0, 1, 2])}, "x_train and y_train must be of one length.*6 and 3"),
        ({"x_test": np.ones((2, 3))}, "of one shape.*(2,) and (3,)"),
    ],
)
def test_what_is_no_classification_data_is_named(changed, said):
    pattern = ".*".join(re.escape(part) for part in said.split(".*"))
    with pytest.raises(ValueError, match=pattern + r".*\(my source\)$"):
        from_arrays("mine", **_arrays(**changed), source="my source")


def test_pixels_are_scaled_by_name():
    pixels = np.array([[0, 255]], np.uint8)
    assert scaled(pixels, "symmetric").tolist() == [[-1, 1]]
    assert scaled(pixels, "unit").tolist() == [[0, 1]]
    assert scaled(pixels, "none").tolist() == [[0, 255]] and scaled(pixels, "none").dtype == np.float32
    with pytest.raises(ValueError, match="'symmetric', 'unit', 'none'. Received: scaling='sym'"):
        scaled(pixels, "sym")


def test_scaling_leaves_the_samples_themselves_alone():
    x = np.ones((2, 2), np.float32)
    scaled(x, "unit")
    assert (x == 1).all()


@pytest.mark.parametrize(("shape", "expected"), [((4, 1), (3, 4, 1)), ((4,), (3, 4)), ((None, 2), (3, 2, 2))])
def test_samples_are_brought_into_a_shape_of_as_many_values(shape, expected):
    assert reshaped(np.zeros((3, 2, 2)), shape).shape == expected


@pytest.mark.parametrize("shape", [(5,), (None,), (None, 5)])
def test_a_shape_of_other_values_is_refused(shape):
    with pytest.raises(ValueError, match=re.escape(f"inputs of shape {shape}. Received: samples of shape (2, 2).")):
        reshaped(np.zeros((3, 2, 2)), shape)
