"""IMDB and CIFAR-10, made tiny: what is theirs in a run."""

import dataclasses
from functools import partial

import keras
import numpy as np
import pytest

from keras_selfmodel import models
from keras_selfmodel.datasets import Dataset, limited, padded, tokenize
from keras_selfmodel.experiments import TASKS, run
from keras_selfmodel.experiments.stages import concluding
from keras_selfmodel.rlct import SamplingSettings
from tests.experiments.conftest import interrupted_after_epoch

COLUMNS = {
    "epoch", "loss", "task_loss", "self_prediction_loss", "self_prediction_r2", "accuracy", "val_loss", "val_accuracy",
    "val_self_prediction_loss", "val_self_prediction_r2",
    "weight_spread", "weight_interquartile_range", "weight_excess_kurtosis",
}  # fmt: skip


def imdb() -> Dataset:
    """50 + 20 texts, half of them with a word that tells their class."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(60)])
    labels = np.arange(70, dtype=np.int32) % 2
    texts = np.empty(70, dtype=object)
    texts[:] = [" ".join([*rng.choice(words, rng.integers(3, 20)), ("bad", "good")[label]]) for label in labels]
    return Dataset("imdb", texts[:50], labels[:50], texts[50:], labels[50:], 2, "made up", "d2" * 32, is_subset=False)


def cifar10() -> Dataset:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8), np.arange(30, dtype=np.int32) % 3
    return Dataset(
        "cifar10", images[:20], labels[:20], images[20:], labels[20:], 3, "made up", "d3" * 32, is_subset=False
    )


MADE_UP = {"imdb": imdb, "cifar10": cifar10}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """A cache of its own, no figures, a narrow ResNet."""
    monkeypatch.setenv("KSM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(concluding, "run_figures", lambda *_: {})
    monkeypatch.setattr(models, "resnet18", partial(models.resnet18, widths=(2, 3)))


def recipe_of(task: str, **changes):
    small = {"hidden": 6, "batch_size": 8, "epochs": 3, "aux_weight": 2.0, "rlct": None}
    return dataclasses.replace(TASKS[task].recipe, **{**small, **changes})


@pytest.mark.parametrize("task", [pytest.param("imdb", marks=pytest.mark.every_backend), "cifar10"])
def test_an_interrupted_run_ends_as_if_it_had_not_been(task, tmp_path):
    recipe, dataset = recipe_of(task), MADE_UP[task]()
    whole = run(recipe, dataset, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        progress = interrupted_after_epoch(2)
        run(recipe, dataset, tmp_path / "again", progress=progress, seconds_between_checkpoints=0)
    run(recipe, dataset, tmp_path / "again", resume=True)
    for name in ("metrics.json", "history.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (whole.folder / name).read_bytes()
    header, *rows = (whole.folder / "history.csv").read_text().splitlines()
    assert set(header.split(",")) == COLUMNS and len(rows) == 3


def test_a_baseline_of_texts_is_a_plain_classifier(tmp_path):
    result = run(recipe_of("imdb", aux_weight=0.0), imdb(), tmp_path / "run")
    model = keras.models.load_model(result.folder / "model.keras")
    assert [layer.name for layer in model.layers] == ["pooled", "hidden", "logits"]
    assert result.self_prediction_r2 is None
    assert "self_prediction" not in (result.folder / "history.csv").read_text()


def test_the_measures_are_those_of_the_saved_network_on_padded_texts(tmp_path):
    result = run(recipe_of("imdb"), imdb(), tmp_path / "run")
    model = keras.models.load_model(result.folder / "model.keras")
    tokens = tokenize(imdb())
    x = padded(tokens.x_test)
    assert result.accuracy == pytest.approx(np.mean(model.predict(x, verbose=0).argmax(axis=1) == tokens.y_test))
    itself = model.evaluate_self_prediction(x)
    assert result.self_prediction_r2 == pytest.approx(itself["self_prediction_r2"], rel=1e-4)
    assert result.self_prediction_loss == pytest.approx(itself["self_prediction_loss"], rel=1e-4)


def test_the_rlct_of_texts_is_sampled_in_the_papers_convention(tmp_path):
    rlct = SamplingSettings(convention="paper", step_size=1e-4, num_chains=2, num_draws=2, burn_in=1, batch_size=16)
    result = run(recipe_of("imdb", epochs=1, rlct=rlct), imdb(), tmp_path / "run")
    assert np.isfinite(result.rlct.value)
    assert result.rlct.inverse_temperature == pytest.approx(16 / np.log(16))


def test_a_trial_on_a_part_of_the_data_is_no_comparison_with_the_paper(tmp_path):
    part = limited(imdb(), 24)
    result = run(recipe_of("imdb", epochs=1), part, tmp_path / "run")
    assert result.is_subset and result.paper is None
    assert result.data_source == "the first 24 examples of made up"
    assert part.digest not in (imdb().digest, limited(imdb(), 25).digest)
    assert (len(part.y_train), len(part.y_test)) == (24, 20)
    assert limited(imdb(), 50).digest == imdb().digest
    with pytest.raises(ValueError, match="examples=0"):
        limited(imdb(), 0)


def test_the_settings_are_the_papers():
    """arXiv 2407.10188, section 3 and its code."""
    cifar, texts = TASKS["cifar10"].recipe, TASKS["imdb"].recipe
    assert (cifar.hidden, cifar.epochs, cifar.batch_size, cifar.learning_rate) == (2000, 250, 64, 1e-4)
    assert (texts.hidden, texts.epochs, texts.batch_size, texts.learning_rate) == (128, 500, 64, 0.1)
    assert (cifar.targets, texts.targets) == (("last_block", "hidden"), ("hidden",))
    for recipe, step, pull, steps in ((cifar, 1e-4, 100.0, 400), (texts, 1e-3, 10.0, 1000)):
        assert (recipe.rlct.step_size, recipe.rlct.localization, recipe.rlct.num_chains) == (step, pull, 4)
        assert recipe.rlct.num_steps == steps and recipe.rlct.num_draws == steps // 2
        assert recipe.rlct.resolved(50_000, 1000, 1.0).inverse_temperature == pytest.approx(15.4, abs=0.05)
    assert isinstance(TASKS["cifar10"].optimizer(cifar), keras.optimizers.Adam)
    assert TASKS["imdb"].optimizer(texts).get_config()["momentum"] == 0
