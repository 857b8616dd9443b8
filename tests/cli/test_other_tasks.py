"""`ksm run` and `ksm rlct` on what is not MNIST."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from keras_selfmodel import datasets
from keras_selfmodel.models import text_classifier


@pytest.fixture
def tiny_imdb(monkeypatch) -> datasets.Dataset:
    """40 + 20 made-up texts in the place of IMDB; 8 different words."""
    rng, labels = np.random.default_rng(0), np.arange(60, dtype=np.int32) % 2
    texts = np.empty(60, dtype=object)
    texts[:] = [" ".join(rng.choice(list("abcdefgh"), rng.integers(8, 20))) for _ in labels]
    dataset = datasets.Dataset(
        "imdb", texts[:40], labels[:40], texts[40:], labels[40:], 2, "made up", "ab" * 32, is_subset=False
    )
    monkeypatch.setattr(datasets, "load", lambda name, data_dir=None: dataclasses.replace(dataset, name=name))
    return dataset


def test_a_trial_on_texts_ends_in_a_table_that_says_what_it_is(ksm, tiny_imdb):
    result = ksm("run", "imdb", "--examples", "24", "--epochs", "2", "--batch-size", "8", "--no-rlct", "--out", "out")
    assert result.exit_code == 0
    assert "imdb, H = 128, AW = 100" in result.stdout
    assert "NOT the full data set: not comparable with the paper" in result.stdout
    assert "the first 24 examples of made up" in result.stdout
    assert json.loads(Path("out/config.json").read_text())["recipe"]["targets"] == ["hidden"]


@pytest.mark.filterwarnings("always::keras_selfmodel.rlct.RLCTWarning")
def test_the_rlct_of_a_text_classifier_is_that_of_its_training_texts(ksm, tiny_imdb):
    text_classifier(9, embedding=3, hidden=2, seed=1).save("model.keras")
    few = ("--chains", "2", "--draws", "2", "--burn-in", "1", "--batch-size", "10", "--convention", "paper")
    result = ksm("rlct", "model.keras", "--data", "imdb", *few, "--json", "--quiet")
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert (printed["num_samples"], printed["num_parameters"]) == (40, 9 * 3 + (3 * 2 + 2) + (2 * 2 + 2))
    assert (printed["step_size"], printed["localization"]) == (1e-3, 10.0)  # the paper's for IMDB


def test_a_network_that_knows_other_words_is_refused(ksm, tiny_imdb):
    text_classifier(5, embedding=3, hidden=2, seed=1).save("model.keras")
    result = ksm("rlct", "model.keras", "--data", "imdb")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "knows 5 tokens, but the texts have token numbers up to 8" in result.stderr


@pytest.mark.parametrize("task", ["cifar10", "imdb"])
def test_without_data_it_says_how_to_get_them(ksm, task):
    result = ksm("run", task)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"ksm data --prepare {task}" in result.stderr
    assert not Path("runs").exists()
