"""A short run, to estimate how long a long one takes; it leaves no files."""

import contextlib
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import replace

import keras

from keras_selfmodel.callbacks import PlayedBackSteps
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.rlct_problems import rlct_problem
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.paces import Pace
from keras_selfmodel.rlct.progress_bar import Reports

# Whole epochs of MNIST.
PILOT_BATCHES, PILOT_EPOCHS, PILOT_STEPS = 120, 2, 120

Moments = list[tuple[int, float]]


class _EnoughError(Exception):
    """The pilot has seen what it needs, or its time is up."""


def pilot_pace(job: Job, dataset: Dataset, seconds: float) -> Pace:
    """The pace of a run, from a few batches of training and a few steps of sampling, after those that compile.

    Args:
        job: The run.
        dataset: Its data.
        seconds: When they have passed, no further batch or step is begun; a program that is being compiled is waited
            for. Half of them are for the training.
    """
    recipe, task, start = job.recipe, job.task, time.perf_counter()
    if dataset.x_train.ndim > 1:  # the vocabulary of a part of the texts would be another
        train = min(len(dataset.y_train), PILOT_BATCHES * recipe.batch_size)
        test = max(1, round(train / len(dataset.y_train) * len(dataset.y_test)))
        dataset = replace(
            dataset,
            x_train=dataset.x_train[:train],
            y_train=dataset.y_train[:train],
            x_test=dataset.x_test[:test],
            y_test=dataset.y_test[:test],
        )
    prepared = task.prepare(dataset)
    model, trainer = compiled_model(task, recipe, prepared), task.trainer(recipe, prepared)
    batches = math.ceil(len(dataset.y_train) / recipe.batch_size)
    clock = _Clock(batches, start + seconds / 2)
    with contextlib.suppress(_EnoughError):
        called = [clock, PlayedBackSteps(warn=False)]
        trainer.fit(model, epochs=min(PILOT_EPOCHS, recipe.epochs), initial_epoch=0, callbacks=called)
    training = _each(clock.epochs if len(clock.epochs) > 1 else clock.batches or clock.epochs, start)
    if recipe.rlct is None:
        return Pace(training, None)
    sampling, begin = Moments(), time.perf_counter()

    def step(done: int, total: int) -> None:
        sampling.append((done, time.perf_counter()))
        if done >= total or sampling[-1][1] > start + seconds:
            raise _EnoughError

    settings = replace(recipe.rlct, burn_in=0, num_draws=PILOT_STEPS, thinning=1)
    with contextlib.suppress(_EnoughError):
        rlct_problem(recipe, model, trainer.training_samples()).estimate(settings, reports=Reports(progress=step))
    return Pace(training, _each(sampling, begin))


class _Clock(keras.callbacks.Callback):
    """Notes when batches and epochs end, by the number of batches that are behind them; ends when its time is up."""

    def __init__(self, batches: int, deadline: float) -> None:
        super().__init__()
        self._batches, self._deadline = batches, deadline
        self.batches, self.epochs = Moments(), Moments()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._note(self.batches, len(self.epochs) * self._batches + batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._note(self.epochs, (epoch + 1) * self._batches)

    def _note(self, moments: Moments, done: int) -> None:
        moments.append((done, time.perf_counter()))
        if moments[-1][1] > self._deadline:
            raise _EnoughError


def _each(moments: Sequence[tuple[int, float]], start: float) -> float:
    """Seconds of one step between two moments, where nothing was compiled in between; with it, if that is all."""
    pauses = [(after - before) / (done - begun) for (begun, before), (done, after) in itertools.pairwise(moments)]
    return min(pauses, default=(moments[-1][1] - start) / max(moments[-1][0], 1))
