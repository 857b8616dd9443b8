"""The networks of many runs measured, the chains of several moved by one program, each into its own run folder."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import ClassifierGraph, classifier_of
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.folder_errors import RunFolderError
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.rlct_problems import rlct_problem
from keras_selfmodel.experiments.stages.claiming import claim
from keras_selfmodel.experiments.stages.concluding import conclude
from keras_selfmodel.experiments.stages.context import RunContext
from keras_selfmodel.experiments.stages.fitting import load_model
from keras_selfmodel.experiments.stages.measuring import PARTS, Measures, also_after_descent
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.training_together import COPIES_OF_THE_ACTIVATIONS, DEFAULT_BYTES, has_noise
from keras_selfmodel.rlct import RLCTEstimate, SamplingSettings
from keras_selfmodel.rlct.chains_together import can_be_sampled_together, together
from keras_selfmodel.rlct.conventions import BATCH_SIZE
from keras_selfmodel.rlct.progress_bar import Reports
from keras_selfmodel.rlct.stepwise import Stepwise
from keras_selfmodel.transforms.tensors import Tensor

# The weights of a chain, their gradient, normal numbers, w*, and the weights before and after a call.
COPIES_IN_A_CHAIN = 6


def can_be_measured_together(job: Job) -> bool:
    """Whether one program can move the chains of many runs of this one's task and settings."""
    settings = job.recipe.rlct
    alike = job.task.together and not has_noise(job.recipe)
    return alike and settings is not None and can_be_sampled_together(settings)


def measuring_together_pays() -> bool:
    """Whether that is faster than one run after another: not on a CPU (benchmarks/rlct_together.py)."""
    return not transforms.devices()[0].lower().startswith("cpu")


def networks_sampled_at_once(
    model: keras.Model, settings: SamplingSettings, limit: float = DEFAULT_BYTES, longest: int = 1
) -> int:
    """How many networks' chains fit into a number of bytes beside the data; at least one.

    Each is taken to need 4 · chains · (6 · weights + 4 · batch · values) bytes, `values` as for `networks_at_once`.

    Args:
        model: One of them.
        settings: Number of chains and batch size.
        limit: Bytes.
        longest: Length assumed for an axis without a fixed size.

    Example:

    >>> from keras_selfmodel.models import mlp
    >>> networks_sampled_at_once(mlp(512), SamplingSettings(convention="paper"))
    48
    """
    classifier = classifier_of(model)
    weights = sum(math.prod(v.shape) for v in classifier.trainable_variables)
    values = ClassifierGraph(classifier).values_of_a_sample(longest)
    samples = settings.batch_size or BATCH_SIZE
    chain = 4 * (COPIES_IN_A_CHAIN * weights + COPIES_OF_THE_ACTIVATIONS * samples * values)
    return max(1, int(limit // (settings.num_chains * chain)))


def measure_together(
    jobs: Sequence[Job],
    dataset: Dataset,
    *,
    progress: Callable[[Job, str, int, int], None] = lambda *_: None,
    limit: float = DEFAULT_BYTES,
) -> None:
    """Finishes runs whose networks are trained: as `run` would, but for chains of several networks in one program.

    Runs that are not trained, that are finished, that another process is at work on, whose folder is another run's or
    whose estimate fails are left to `run`, which says why. May be interrupted: each sampling is stored every half
    minute, and `run` goes on with it as well.

    Args:
        jobs: The runs.
        dataset: Their data.
        progress: Called with (job, "RLCT" or "after descent", steps done, steps in all).
        limit: Bytes that the chains of the networks sampled at a time may take; see `networks_sampled_at_once`.
    """
    shapes: dict[Recipe, list[Job]] = defaultdict(list)
    for job in jobs:
        if job.recipe.rlct is not None and can_be_measured_together(job):
            shapes[replace(job.recipe, seed=0, aux_weight=1.0, rlct=replace(job.recipe.rlct, seed=0))].append(job)
    for group in shapes.values():
        task = group[0].task
        prepared = task.prepare(dataset)
        x = ops.convert_to_tensor(task.inputs(prepared.x_train))
        left = list(group)
        while left:
            with ExitStack() as locks:
                opened: list[_Measuring] = []
                number = len(left)
                while left and len(opened) < number:
                    job = left.pop(0)
                    found = _opened(job, RunContext.of(job.recipe, dataset, job.folder, prepared=prepared), locks)
                    if found is not None:
                        opened.append(found)
                        longest = max(prepared.x_train.shape[1:], default=1)
                        number = networks_sampled_at_once(found.model, found.settings, limit, longest)
                if opened:
                    _measure(opened, x, progress)


@dataclass(frozen=True)
class _Measuring:
    """A run whose network is trained, with its folder locked."""

    job: Job
    run: RunContext
    model: keras.Model
    settings: SamplingSettings


def _opened(job: Job, run: RunContext, locks: ExitStack) -> _Measuring | None:
    settings = job.recipe.rlct
    if settings is None or not run.files.model.exists():
        return None
    with ExitStack() as taken:
        try:
            taken.enter_context(run.files.locked())
            if claim(run.files, run.config, resume=True) is not None:
                return None
            opened = _Measuring(job, run, load_model(run.files.model), settings)
            run.files.seconds()  # which may be damaged
        except RunFolderError:  # `run` will say the same
            return None
        locks.enter_context(taken.pop_all())
    return opened


def _measure(opened: list[_Measuring], x: Tensor, on_step: Callable) -> None:
    labels = opened[0].run.dataset.y_train
    problems = [
        rlct_problem(one.run.recipe, one.model, (x, labels), one.run.recipe.order(len(labels)).astype(np.int32))
        for one in opened
    ]
    found: list[dict[str, RLCTEstimate]] = [{} for _ in opened]
    measured = list(zip(opened, problems, found, strict=True))
    for anchor, part in PARTS.items():
        if anchor == "descend":
            measured = [
                (one, problem, of_it)
                for one, problem, of_it in measured
                if "trained" in of_it and also_after_descent(one.run.recipe, of_it["trained"])
            ]
        start = time.perf_counter()
        estimates = together(
            [
                _or_none(
                    problem.estimating(
                        one.settings,
                        anchor=anchor,
                        checkpoint=one.run.files.sampling(anchor),
                        reports=Reports(progress=_steps_of(one.job, part.removeprefix("RLCT "), on_step)),
                    )
                )
                for one, problem, _ in measured
            ]
        )
        for (one, _, of_it), estimate in zip(measured, estimates, strict=True):
            one.run.stopwatch.add(part, (time.perf_counter() - start) / len(measured))
            if estimate is None:
                of_it.clear()
            else:
                of_it[anchor] = estimate
    for one, of_it in zip(opened, found, strict=True):
        if of_it:
            with one.run.stopwatch.part("measuring"):
                tested = one.run.task.trainer(one.run.recipe, one.run.dataset).evaluate(one.model)
            conclude(one.run, one.model, Measures(tested, of_it))


def _steps_of(job: Job, part: str, on_step: Callable[[Job, str, int, int], None]) -> Callable[[int, int], None]:
    return lambda done, total: on_step(job, part, done, total)


def _or_none(steps: Stepwise[RLCTEstimate]) -> Stepwise[RLCTEstimate | None]:
    """The estimate, or nothing if it fails: `run` will say why, and no other network fails with it."""
    try:
        return (yield from steps)
    except (ArithmeticError, ValueError):
        return None
