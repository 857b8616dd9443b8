"""How long the runs of a sweep will take, before they start."""

import contextlib
import itertools
import tempfile
import time
from collections import defaultdict
from dataclasses import replace

import numpy as np

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.one_run import run
from keras_selfmodel.experiments.progress import Progress
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.sweeps.planning import Plan

# Whole epochs of MNIST.
PILOT_BATCHES, PILOT_EPOCHS, PILOT_STEPS = 120, 2, 120


def expected_seconds(plan: Plan, dataset: Dataset) -> float:
    """Seconds of computing that a plan's runs will take, one after another.

    From the finished runs of the folder where there are any with as many hidden units; else from a pilot: a few batches
    of training and a few steps of sampling, after those that compile. Compiling, loading and drawing are not in it.

    Args:
        plan: The runs.
        dataset: Their data.
    """
    measured = defaultdict(list)
    for result in plan.kept:
        measured[result.recipe.hidden].append(sum(result.seconds.values()))
    seconds = {hidden: float(np.mean(values)) for hidden, values in measured.items()}
    for job in sorted(plan.jobs, key=lambda job: -job.recipe.aux_weight):
        if job.recipe.hidden not in seconds:
            seconds[job.recipe.hidden] = pilot_seconds(job.recipe, dataset)
    return sum(seconds[job.recipe.hidden] for job in plan.jobs)


class _EnoughError(Exception):
    """The pilot has seen what it needs."""


def pilot_seconds(recipe: Recipe, dataset: Dataset) -> float:
    """Seconds that one run will take, from a short one with the same network.

    Args:
        recipe: Settings of the run.
        dataset: Its data.
    """
    part = 1.0
    if dataset.x_train.ndim > 1:  # the vocabulary of a part of the texts would be another
        train = min(len(dataset.y_train), PILOT_BATCHES * recipe.batch_size)
        part = train / len(dataset.y_train)
        test = max(1, round(part * len(dataset.y_test)))
        dataset = replace(
            dataset,
            x_train=dataset.x_train[:train],
            y_train=dataset.y_train[:train],
            x_test=dataset.x_test[:test],
            y_test=dataset.y_test[:test],
        )
    short = replace(recipe, epochs=min(PILOT_EPOCHS, recipe.epochs))
    if recipe.rlct is not None:
        short = replace(short, rlct=replace(recipe.rlct, burn_in=0, num_draws=PILOT_STEPS, thinning=1))
    clock: dict[str, list[tuple[int, float]]] = defaultdict(list)

    def epoch(done: int, *_) -> None:
        clock["epochs"].append((done, time.perf_counter()))

    def sampling(done: int, total: int) -> None:
        clock["sampling"].append((done, time.perf_counter()))
        if done >= total:
            raise _EnoughError

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(_EnoughError):
        run(short, dataset, folder, progress=Progress(epoch, sampling))
    whole = time.perf_counter() - start
    seconds = recipe.epochs * _each(clock["epochs"], whole) / part
    if recipe.rlct is not None:
        each = _each(clock["sampling"], whole)
        # The second estimate descends for as many steps as its burn-in takes, before it samples as long as the first.
        seconds += (2 * recipe.rlct.num_steps + (recipe.rlct.burn_in or 0)) * each
    return seconds


def _each(moments: list[tuple[int, float]], whole: float) -> float:
    """Seconds of one unit between two moments, where nothing was compiled in between."""
    pauses = [(after - before) / (done - start) for (start, before), (done, after) in itertools.pairwise(moments)]
    return min(pauses, default=whole / max(moments[-1][0], 1))
