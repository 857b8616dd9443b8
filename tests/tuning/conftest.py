"""The tiny data set and recipe of the experiments' tests, and a search among them without sampling.

The searches of test_searching.py train every trial. Only those of test_interrupted_searches.py, dozens of which are
ended and continued at every step, put made-up runs in the place of trained ones.
"""

import dataclasses
from types import SimpleNamespace

import keras
import pytest

from keras_selfmodel.experiments import Recipe, RunConfig, find_task
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_result import METRICS, Metrics
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.stages.claiming import claim
from keras_selfmodel.tuning import OneOf, Range
from tests.experiments.conftest import recipe, tiny

__all__ = ["recipe", "tiny"]


@pytest.fixture(scope="session")
def short(recipe) -> Recipe:  # noqa: F811
    """Without sampling, so that many trials can be made."""
    return dataclasses.replace(recipe, rlct=None, epochs=3)


@pytest.fixture(scope="session")
def settings() -> dict:
    """Few shapes, which take longer to compile than to train."""
    return {"hidden": OneOf((4, 6)), "aux_weight": OneOf((0.0, 2.0)), "learning_rate": Range(0.01, 0.1)}


def made_up_run(settings, dataset, folder, *, resume, progress) -> None:
    """In the place of `experiments.run`: its files with an untrained network; measures follow from the settings."""
    files = RunFolder(folder)
    if claim(files, RunConfig.of(settings, dataset), resume=resume) is not None:
        return
    progress.epoch(1, settings.epochs, {})
    measures = {field.name: None for field in dataclasses.fields(Metrics)} | {
        "recipe": settings,
        "accuracy": 0.5 + settings.learning_rate,
        "weight_spread": 0.1 * settings.hidden / (1 + settings.aux_weight),
        "data_source": dataset.source,
        "is_subset": True,
        "backend": keras.config.backend(),
    }
    task = find_task(settings.task)
    model = compiled_model(task, settings, task.prepare(dataset))
    model.optimizer.build(model.trainable_variables)  # or its state would not fit when it is loaded
    model.save(files.model)
    files.write("metrics.json", METRICS, Metrics(**measures))


@pytest.fixture
def without_training(monkeypatch):
    """Trials that take no time."""
    monkeypatch.setattr("keras_selfmodel.experiments.sweeps.performing.run", made_up_run)
    monkeypatch.setattr("keras_selfmodel.experiments.sweeps.performing.gc", SimpleNamespace(collect=lambda: None))
    monkeypatch.setattr("keras_selfmodel.tuning.trial_tuner.SECONDS_BETWEEN_REQUESTS", 0)
    monkeypatch.setattr("keras_selfmodel.reporting.figure_files.figure_bytes", lambda *_: b"drawn")
