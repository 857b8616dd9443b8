import sys

import pytest

from keras_selfmodel import datasets


def test_find_lists_every_known_data_set_where_nothing_is_prepared(tmp_path):
    found = datasets.find(tmp_path)
    assert [(status.name, status.version) for status in found] == [
        ("mnist", "3.0.1"),
        ("cifar10", "3.0.2"),
        ("imdb", "1.0.0"),
    ]
    assert not any(status.prepared for status in found)
    assert all(f"ksm data --prepare {status.name}" in status.advice for status in found)


def test_find_counts_the_examples_and_bytes_of_a_prepared_data_set(small_mnist):
    status = datasets.find(small_mnist)[0]
    assert (status.prepared, status.train_examples, status.test_examples) == (True, 150, 20)
    assert status.bytes_on_disk == sum(file.stat().st_size for file in status.folder.iterdir())
    assert status.advice == ""


def test_find_looks_in_tfds_data_dir(small_mnist, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(small_mnist))
    assert datasets.find()[0].prepared


def test_find_needs_no_tfds(small_mnist, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    assert datasets.find(small_mnist)[0].prepared


def test_find_reports_damage_and_goes_on(small_mnist):
    info = small_mnist / "mnist" / "3.0.1" / "dataset_info.json"
    info.write_text('{"name": "mnist", ')
    mnist, cifar10, _ = datasets.find(small_mnist)
    assert not mnist.prepared
    assert str(info) in mnist.advice
    assert cifar10.name == "cifar10"


def test_another_version_is_named_and_not_used(small_mnist):
    (small_mnist / "mnist" / "3.0.1").rename(small_mnist / "mnist" / "3.0.0")
    status = datasets.find(small_mnist)[0]
    assert not status.prepared
    assert "3.0.0" in status.advice


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="'minst'.*'mnist', 'cifar10', 'imdb'"):
        datasets.load("minst")
