import json

import pytest

from keras_selfmodel import datasets
from keras_selfmodel.datasets.any_tfds import read_any_tfds


def test_any_prepared_data_set_is_read_as_the_packages_own_are(small_mnist, local_mnist):
    dataset = read_any_tfds("mine", "mnist:3.0.1", small_mnist)
    local_mnist.check(dataset)
    known = datasets.load("mnist", small_mnist)
    assert (dataset.name, dataset.num_classes, dataset.digest) == ("mine", 10, known.digest)
    assert dataset.source == known.source


def test_the_environment_names_the_folder(small_mnist, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(small_mnist))
    assert len(read_any_tfds("mine", "mnist:3.0.1").y_train) == 150


@pytest.mark.parametrize("name", ["fashion_mnist", "fashion_mnist:3", "fashion_mnist:3.0.1:x", "../mnist:3.0.1", ""])
def test_a_name_without_a_version_is_refused(name):
    with pytest.raises(ValueError, match="with its version, such as 'fashion_mnist:3.0.1'"):
        read_any_tfds("mine", name)


def test_the_error_of_a_missing_data_set_says_how_to_get_it(tmp_path):
    (tmp_path / "fashion_mnist" / "2.0.0").mkdir(parents=True)
    with pytest.raises(datasets.DataNotFoundError) as caught:
        read_any_tfds("mine", "fashion_mnist:3.0.1", tmp_path)
    for words in ("Version 2.0.0 is there", "tfds.builder('fashion_mnist:3.0.1'", "TFDS_DATA_DIR", str(tmp_path)):
        assert words in str(caught.value)


def test_a_damaged_folder_is_named(small_mnist):
    (small_mnist / "mnist" / "3.0.1" / "dataset_info.json").write_text("{")
    with pytest.raises(datasets.DataCorruptedError, match="dataset_info.json"):
        read_any_tfds("mine", "mnist:3.0.1", small_mnist)


def test_data_without_a_test_split_are_refused(small_mnist):
    file = small_mnist / "mnist" / "3.0.1" / "dataset_info.json"
    info = json.loads(file.read_text())
    info["splits"] = [split for split in info["splits"] if split["name"] == "train"]
    file.write_text(json.dumps(info))
    with pytest.raises(
        ValueError, match="the splits 'train' and 'test'. Received: features image, label; splits train"
    ):
        read_any_tfds("mine", "mnist:3.0.1", small_mnist)


def test_texts_are_refused(local_imdb, tmp_path):
    datasets.prepare("imdb", tmp_path / "tfds")
    with pytest.raises(ValueError, match="features 'image' and 'label'.*Received: features label, text"):
        read_any_tfds("mine", "imdb_reviews/plain_text:1.0.0", tmp_path / "tfds")
