"""A data set and a recipe so small that a run takes a second, a finished run and an interrupted one of them."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import TASKS, Progress, Recipe, RunResult, run
from keras_selfmodel.rlct import SamplingSettings


@pytest.fixture(scope="session")
def tiny() -> Dataset:
    """230 noisy images of three patterns, 8 × 8 pixels; 200 of them to train on, shuffled."""
    rng = np.random.default_rng(7)
    patterns = rng.integers(0, 256, (3, 8, 8, 1))
    labels = rng.integers(0, 3, 230).astype(np.int32)
    images = np.clip(patterns[labels] + rng.normal(0, 60, (230, 8, 8, 1)), 0, 255).astype(np.uint8)
    return Dataset(
        "mnist",
        images[:200],
        labels[:200],
        images[200:],
        labels[200:],
        num_classes=3,
        source="made up",
        digest="d1" * 32,
        is_subset=False,
    )


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The MNIST recipe, made tiny, with both estimates of the RLCT. Its last batch is smaller than the others."""
    rlct = SamplingSettings(convention="paper", step_size=1e-4, num_chains=2, num_draws=4, burn_in=4, batch_size=50)
    return dataclasses.replace(
        TASKS["mnist"].recipe,
        hidden=6,
        aux_weight=2.0,
        epochs=4,
        batch_size=48,
        learning_rate=0.05,
        rlct=rlct,
        descend=True,
    )


@pytest.fixture(scope="session")
def finished(recipe, tiny, tmp_path_factory) -> RunResult:
    """An uninterrupted run. Its folder is only to be read."""
    return run(recipe, tiny, tmp_path_factory.mktemp("runs") / "finished")


@pytest.fixture(scope="session")
def _interrupted(recipe, tiny, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "interrupted"
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tiny, folder, progress=interrupted_after_epoch(2), seconds_between_checkpoints=0)
    return folder


@pytest.fixture
def interrupted(_interrupted, tmp_path) -> Path:
    """A folder of one's own with a run that was interrupted after the second epoch and its checkpoint."""
    return Path(shutil.copytree(_interrupted, tmp_path / "interrupted"))


def interrupted_after_epoch(last: int) -> Progress:
    """Hooks that press Ctrl-C."""

    def epoch(done: int, *_) -> None:
        if done == last:
            raise KeyboardInterrupt

    return Progress(epoch=epoch)
