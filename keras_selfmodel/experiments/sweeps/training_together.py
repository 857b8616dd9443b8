"""The networks of many runs trained by one program, each into its own run folder."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import keras
import numpy as np

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import ClassifierGraph, classifier_of
from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.callbacks import WeightSpread
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.folder_errors import RunFolderError
from keras_selfmodel.experiments.objectives import find_objective
from keras_selfmodel.experiments.progress import Progress
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.stages.claiming import claim
from keras_selfmodel.experiments.stages.context import RunContext
from keras_selfmodel.experiments.stages.fitting import training_so_far
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.performing import failed
from keras_selfmodel.experiments.training.networks_together import NetworksTogether
from keras_selfmodel.experiments.training.training_record import TrainingDivergedError, TrainingRecord
from keras_selfmodel.models import SelfModelingModel

# The weights, their gradient, the optimizer's two moments, and what a step returns of weights and moments.
COPIES_OF_THE_WEIGHTS = 7
# What a layer puts out, its gradient, and what is computed between.
COPIES_OF_THE_ACTIVATIONS = 4
DEFAULT_BYTES = 4e9


def can_be_trained_together(job: Job) -> bool:
    """Whether one program can train the networks of many runs of this one's task and precision on this backend."""
    # In half precision another order of additions is another training.
    alike = job.recipe.precision == "float32" and not has_noise(job.recipe)
    return job.task.together and transforms.FUNCTIONAL_OPTIMIZERS and alike


def has_noise(recipe: Recipe) -> bool:
    """Whether each seed has training data of its own."""
    return recipe.label_noise > 0 or recipe.input_noise > 0


def check_together(jobs: Sequence[Job]) -> None:
    """Makes sure that one program can train the networks of these runs.

    Raises:
        ValueError: If it cannot.
    """
    impossible = {
        f"{j.recipe.task} in {j.recipe.precision}{' on noisy data' if has_noise(j.recipe) else ''}"
        for j in jobs
        if not can_be_trained_together(j)
    }
    if impossible:
        raise ValueError(
            f"Networks of {', '.join(sorted(impossible))} cannot be trained together on {keras.config.backend()}. "
            "Train them one after another, or in several processes."
        )


def networks_at_once(model: keras.Model, batch_size: int, limit: float = DEFAULT_BYTES, longest: int = 1) -> int:
    """How many networks fit into a number of bytes beside the data; at least one.

    Each is taken to need 4 · (7 · weights + 4 · batch · values) bytes, `values` being all numbers that its layers, the
    head included, put out for one sample, and the inputs. Intermediate values inside a layer, such as the scores of
    attention, are not counted.

    Args:
        model: One of them.
        batch_size: Samples of a step.
        limit: Bytes.
        longest: Length assumed for an axis without a fixed size.

    Example:

    >>> from keras_selfmodel.models import mlp
    >>> networks_at_once(mlp(512), batch_size=512)
    181
    """
    weights = sum(math.prod(v.shape) for v in model.trainable_variables)
    values = ClassifierGraph(classifier_of(model)).values_of_a_sample(longest)
    if isinstance(model, SelfModelingModel):
        values += 2 * model.num_targets
    each = 4 * (COPIES_OF_THE_WEIGHTS * weights + COPIES_OF_THE_ACTIVATIONS * batch_size * values)
    return max(1, int(limit // each))


def train_together(
    jobs: Sequence[Job],
    dataset: Dataset,
    *,
    on_epoch: Callable[[Job, int, int], None] = lambda *_: None,
    limit: float = DEFAULT_BYTES,
    seconds_between_checkpoints: float | None = None,
) -> dict[Job, str]:
    """Trains the networks of runs, many by one program, and leaves in each folder what the run's own training would.

    `run` with `resume=True` then measures them. Runs that are trained already, that another process is at work on or
    whose folder is another run's are left alone. May be interrupted, as `run` may.

    Args:
        jobs: The runs; those that differ in seed and auxiliary weight alone are trained together, or in the seed alone
            where the weight is built into the graph, as dropout's is.
        dataset: Their data.
        on_epoch: Called with (job, epochs done, epochs in all).
        limit: Bytes that the networks trained at a time may take; see `networks_at_once`.
        seconds_between_checkpoints: As for `run`.

    Returns:
        Why runs failed, such as a loss that is no longer finite.
    """
    shapes: dict[tuple, list[Job]] = defaultdict(list)
    for job in jobs:
        built_in = find_objective(job.recipe.objective).strength_is_built_in
        one = replace(job.recipe, seed=0, rlct=None, aux_weight=job.recipe.aux_weight if built_in else 1.0)
        shapes[one, job.recipe.aux_weight > 0].append(job)
    failures: dict[Job, str] = {}
    for group in shapes.values():
        task = group[0].task
        prepared = task.prepare(dataset)
        first = compiled_model(task, group[0].recipe, prepared)
        number = networks_at_once(first, group[0].recipe.batch_size, limit, max(prepared.x_train.shape[1:], default=1))
        runs = {
            job: RunContext.of(
                job.recipe,
                dataset,
                job.folder,
                prepared=prepared,
                progress=Progress(epoch=_epochs_of(job, on_epoch)),
                seconds_between_checkpoints=seconds_between_checkpoints,
            )
            for job in group
        }
        for start in range(0, len(group), number):
            with ExitStack() as locks:
                opened = _opened({job: runs[job] for job in group[start : start + number]}, locks)
                for together in opened.values():
                    failures |= _train(together)
    return failures


def _epochs_of(job: Job, on_epoch: Callable[[Job, int, int], None]) -> Callable[[int, int, dict], None]:
    return lambda done, total, _: on_epoch(job, done, total)


@dataclass(frozen=True)
class _Training:
    """The training of one run that is under way."""

    job: Job
    run: RunContext
    model: keras.Model
    record: TrainingRecord


def _opened(runs: dict[Job, RunContext], locks: ExitStack) -> dict[int, list[_Training]]:
    """The runs that are to be trained, by the number of epochs behind them, with their folders locked."""
    found = defaultdict(list)
    for job, run in runs.items():
        model = compiled_model(run.task, run.recipe, run.dataset)
        try:
            locks.enter_context(run.files.locked())
            if claim(run.files, run.config, resume=True) is not None or run.files.model.exists():
                continue
            model, record = training_so_far(run, model)
        except RunFolderError:  # `run` will say the same
            continue
        found[len(record.rows)].append(_Training(job, run, model, record))
    return found


def _train(trainings: list[_Training]) -> dict[Job, str]:
    run, start = trainings[0].run, time.perf_counter()
    recipe, dataset, inputs = run.recipe, run.dataset, run.task.inputs
    test = (inputs(dataset.x_test), dataset.y_test)
    together = NetworksTogether(
        [training.model for training in trainings],
        inputs(dataset.x_train),
        dataset.y_train,
        np.stack([training.run.recipe.order(len(dataset.y_train)) for training in trainings]),
        batch_size=recipe.batch_size,
    )
    spread, failures = WeightSpread(), {}
    for training in trainings:
        training.record.set_model(training.model)
    try:
        for epoch in range(len(trainings[0].record.rows), recipe.epochs):
            logs, tests = together.epoch(), together.evaluate(*test)
            together.synchronize()
            for training, row, others in zip(trainings, logs, tests, strict=True):
                if training.job in failures:
                    continue
                row |= {f"val_{name}": value for name, value in others.items()}
                spread.set_model(training.model)
                spread.on_epoch_end(epoch, row)
                try:
                    training.record.on_epoch_end(epoch, row)
                except TrainingDivergedError as error:
                    failures[training.job] = failed(training.job, str(error)).reason
        for training in trainings:
            if training.job not in failures:
                write_whole(training.run.files.model, training.model.save)
    finally:
        share = (time.perf_counter() - start) / len(trainings)
        for training in trainings:
            training.run.stopwatch.add("training", share)
    return failures
