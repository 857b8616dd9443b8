import dataclasses

import numpy as np
import pytest

from keras_selfmodel.datasets import from_arrays, with_validation


@pytest.fixture
def dataset():
    x, y = np.arange(100.0).reshape(100, 1), np.arange(100) % 4
    return from_arrays("mine", x, y, -x[:20], y[:20], source="here")


def test_training_and_validation_examples_are_all_training_examples_each_once(dataset):
    split = with_validation(dataset, 0.3, seed=1)
    assert (len(split.y_train), len(split.y_test)) == (70, 30)
    both = np.concatenate([split.x_train, split.x_test]).ravel()
    assert sorted(both) == list(range(100))
    np.testing.assert_array_equal(np.concatenate([split.y_train, split.y_test]), both % 4)
    assert (np.diff(split.x_train.ravel()) > 0).all()  # in the order that they had
    assert split.is_subset and split.num_classes == 4


def test_the_seed_says_which(dataset):
    splits = [with_validation(dataset, 0.3, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(splits[0].x_test, splits[1].x_test)
    assert not np.array_equal(splits[0].x_test, splits[2].x_test)
    other = with_validation(dataclasses.replace(dataset, digest="other"), 0.3, seed=1)
    digests = {splits[0].digest, splits[2].digest, with_validation(dataset, 0.2, seed=1).digest, other.digest}
    assert len({*digests, dataset.digest}) == 5 and splits[0].digest == splits[1].digest


@pytest.mark.parametrize(("part", "sizes"), [(0.001, (99, 1)), (0.999, (1, 99))])
def test_neither_part_is_empty(dataset, part, sizes):
    split = with_validation(dataset, part, seed=1)
    assert (len(split.y_train), len(split.y_test)) == sizes


@pytest.mark.parametrize("part", [0, 1, -0.1, float("nan")])
def test_a_part_that_is_none_is_refused(dataset, part):
    with pytest.raises(ValueError, match=f"part={part}"):
        with_validation(dataset, part, seed=1)
