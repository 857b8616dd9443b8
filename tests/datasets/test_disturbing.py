import dataclasses
import warnings

import numpy as np
import pytest

from keras_selfmodel.compression import corrupted
from keras_selfmodel.datasets import Dataset, disturbed, input_noise
from keras_selfmodel.datasets.disturbing import MOST_INPUT_NOISE
from keras_selfmodel.datasets.input_noise import with_noise

X = np.random.default_rng(0).integers(20, 230, (4000, 3, 3, 1), dtype=np.uint8)
Y = (np.arange(4000) % 10).astype(np.int32)
CLEAN = Dataset("mnist", X, Y, X[:50], Y[:50], num_classes=10, source="made up", digest="ab", is_subset=False)


def test_without_noise_the_data_are_the_same_object():
    assert disturbed(CLEAN, seed=3) is CLEAN


def test_so_many_labels_become_another_class_each_equally_likely():
    noisy = disturbed(CLEAN, label_noise=0.5, seed=1)
    changed = noisy.y_train != Y
    assert changed.sum() == 2000 and noisy.y_train.dtype == Y.dtype
    steps = np.bincount((noisy.y_train - Y)[changed] % 10, minlength=10)
    # 2000 draws of 9 classes: 222 ± 14 each; five standard deviations.
    assert steps[0] == 0 and (abs(steps[1:] - 2000 / 9) < 70).all()
    assert set(noisy.y_train) == set(range(10))


def test_noise_on_inputs_has_its_strength_and_stays_in_their_range():
    noisy = disturbed(CLEAN, input_noise=0.05, seed=1)
    middle = (X > 70) & (X < 180)  # five standard deviations from the ends
    difference = (noisy.x_train.astype(float) - X)[middle]
    assert noisy.x_train.dtype == np.uint8 and noisy.x_train.min() == 20 and noisy.x_train.max() == 229
    # Rounding adds a variance of 1/12; 18,000 draws know their deviation to half a per cent.
    assert difference.std() == pytest.approx(np.hypot(0.05 * 209, 12**-0.5), rel=0.03)


def test_noise_is_the_same_for_some_samples_after_others_as_for_all_at_once(monkeypatch):
    monkeypatch.setattr(input_noise, "_AT_ONCE", 1500)
    low, high = int(X.min()), int(X.max())
    drawn = np.random.default_rng(7).standard_normal(X.shape, dtype=np.float32)
    expected = np.clip(X.astype(np.float32) + np.float32(0.1 * (high - low)) * drawn, low, high)
    np.testing.assert_array_equal(corrupted(X, "noise", 0.1, seed=7), expected)
    rounded = input_noise.with_noise(X, 0.1, np.random.default_rng(7), np.uint8)
    assert rounded.dtype == np.uint8 and (rounded == np.rint(expected)).all()


def test_noise_is_drawn_by_the_seed_and_the_test_data_have_none():
    once, again, other = (disturbed(CLEAN, label_noise=0.2, input_noise=0.1, seed=seed) for seed in (1, 1, 2))
    assert (once.x_train == again.x_train).all() and (once.y_train == again.y_train).all()
    assert (once.x_train != other.x_train).any() and (once.y_train != other.y_train).any()
    assert once.x_test is CLEAN.x_test and once.y_test is CLEAN.y_test
    assert len({one.digest for one in (CLEAN, once, other)}) == 3 and once.digest == again.digest
    # The labels are the same with and without noise on the inputs.
    assert (disturbed(CLEAN, label_noise=0.2, seed=1).y_train == once.y_train).all()
    assert once.source == "made up, with label noise 0.2 and input noise 0.1"


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        ({"label_noise": 1.1}, "label_noise must lie in 0 … 1. Received: label_noise=1.1"),
        ({"label_noise": float("nan")}, "label_noise=nan"),
        ({"input_noise": -1}, r"input_noise must lie in 0 … 1000. Received: input_noise=-1"),
        ({"input_noise": 1e38}, r"input_noise must lie in 0 … 1000. Received: input_noise=1e\+38"),
        ({"input_noise": float("inf")}, "input_noise=inf"),
    ],
)
def test_noise_out_of_its_range_is_refused(noise, words):
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        disturbed(CLEAN, **noise)


def test_texts_and_tokens_have_no_noise_on_inputs_and_a_single_class_no_other_labels():
    for x in (np.array(["a", "b"], object), np.array([[1, 2], [3, 4]], np.int32)):
        texts = dataclasses.replace(CLEAN, x_train=x, y_train=Y[:2])
        with pytest.raises(ValueError, match="input_noise needs inputs that are quantities"):
            disturbed(texts, input_noise=0.1)
        assert (disturbed(texts, label_noise=1.0).y_train != Y[:2]).all()
    with pytest.raises(ValueError, match="label_noise needs two classes or more"):
        disturbed(dataclasses.replace(CLEAN, num_classes=1), label_noise=0.1)


def test_the_largest_noise_on_inputs_is_computed_without_overflow():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        noisy = with_noise(np.array([[0.0, 1e30]]), MOST_INPUT_NOISE, np.random.default_rng(1))
    assert set(noisy.ravel().tolist()) <= {0.0, float(np.float32(1e30))}
