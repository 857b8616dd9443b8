"""The prepared data sets against what their publishers say of them."""

import hashlib

import numpy as np
import pytest

from keras_selfmodel import datasets

pytestmark = [pytest.mark.realdata, pytest.mark.usefixtures("shared_cache")]

# LeCun's counts of each digit.
TRAIN_DIGITS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_DIGITS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
# Of LeCun's file train-images-idx3-ubyte.
TRAIN_IDX3_SHA256 = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"


def test_mnist_has_the_published_shapes_and_digits(real_data):
    mnist = datasets.load("mnist", real_data)
    assert mnist.x_train.shape == (60000, 28, 28, 1) and mnist.x_test.shape == (10000, 28, 28, 1)
    assert mnist.x_train.dtype == np.uint8 and mnist.y_train.dtype == np.int32
    assert np.bincount(mnist.y_train).tolist() == TRAIN_DIGITS
    assert np.bincount(mnist.y_test).tolist() == TEST_DIGITS
    assert not mnist.is_subset


def test_mnist_in_its_original_order_is_the_published_file(real_data):
    from tensorflow_datasets.core import hashing

    mnist = datasets.load("mnist", real_data)
    # TFDS sorts the examples by the hash of their number.
    number = sorted(range(60000), key=hashing.Hasher("train").hash_key)
    images = np.empty_like(mnist.x_train)
    images[number] = mnist.x_train
    header = np.array([2051, 60000, 28, 28], ">u4").tobytes()
    assert hashlib.sha256(header + images.tobytes()).hexdigest() == TRAIN_IDX3_SHA256


def test_the_subset_consists_of_training_images_with_the_same_labels(real_data, tmp_path):
    mnist = datasets.load("mnist", real_data)
    label = {image.tobytes(): int(y) for image, y in zip(mnist.x_train, mnist.y_train, strict=True)}
    with pytest.warns(datasets.SubsetWarning):
        subset = datasets.load("mnist", tmp_path, download=False)
    for x, y in ((subset.x_train, subset.y_train), (subset.x_test, subset.y_test)):
        assert [label.get(image.tobytes()) for image in x] == y.tolist()


def test_imdb_has_the_published_size_and_balance(real_data):
    imdb = datasets.load("imdb", real_data)
    assert np.bincount(imdb.y_train).tolist() == [12500, 12500]
    assert np.bincount(imdb.y_test).tolist() == [12500, 12500]
    assert all(isinstance(text, str) and text for text in imdb.x_train)
    assert len(set(imdb.x_train) & set(imdb.x_test)) == 123  # as in the original


@pytest.mark.slow
def test_cifar10_has_the_published_shapes_and_balance(real_data):
    cifar10 = datasets.load("cifar10", real_data)
    assert cifar10.x_train.shape == (50000, 32, 32, 3) and cifar10.x_test.shape == (10000, 32, 32, 3)
    assert np.bincount(cifar10.y_train).tolist() == [5000] * 10
    assert np.bincount(cifar10.y_test).tolist() == [1000] * 10


@pytest.mark.slow
@pytest.mark.parametrize(("name", "feature"), [("mnist", "image"), ("imdb", "text")])
def test_tensorflow_reads_the_same(name, feature, real_data):
    pytest.importorskip("tensorflow")
    import tensorflow_datasets as tfds

    dataset = datasets.load(name, real_data)
    folder = next(status.folder for status in datasets.find(real_data) if status.name == name)
    examples = list(tfds.builder_from_directory(folder).as_dataset(split="test").as_numpy_iterator())
    values = [example[feature] for example in examples]
    expected = [value.decode() for value in values] if feature == "text" else values
    np.testing.assert_array_equal(dataset.x_test, np.array(expected, dtype=dataset.x_test.dtype))
    np.testing.assert_array_equal(dataset.y_test, [example["label"] for example in examples])
