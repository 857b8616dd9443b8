"""How long the runs of a sweep will take, before they start."""

import time
from dataclasses import dataclass
from typing import Literal

import keras

from keras_selfmodel import transforms
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.run_store import find_runs
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.paces import Pace, kind_of, known_paces, paces_of
from keras_selfmodel.experiments.sweeps.pilot import pilot_pace
from keras_selfmodel.experiments.sweeps.planning import Plan

SECONDS_OF_PILOTS = 20.0

Source = Literal["finished runs of the folder", "earlier runs on this machine", "a short pilot run"]


@dataclass(frozen=True)
class ExpectedTime:
    """How long runs will take.

    Attributes:
        seconds: Seconds of computing, one run after another.
        sources: What the estimate is based on.
    """

    seconds: float
    sources: tuple[Source, ...]


def expected_time(plan: Plan, dataset: Dataset) -> ExpectedTime:
    """The time that a plan's runs will take, one after another.

    A step of training and of sampling takes as long as it did in the finished runs of the folder with the same network,
    computed on this backend and these devices; where there are none, in earlier runs on this machine; else, or where
    these were too short to tell, in a pilot, which all together end after 20 s. What is compiled once for all runs,
    loading and drawing are not in a pilot.

    Args:
        plan: The runs.
        dataset: Their data.
    """
    samples = len(dataset.y_train)
    found: dict[str, tuple[Pace, Source]] = {
        kind: (pace, "earlier runs on this machine") for kind, pace in known_paces().items()
    }
    for kind, pace in _of_the_folder(plan, dataset).items():
        if kind not in found or all(pace.holds_for(job.recipe, samples) for job in plan.jobs):
            found[kind] = pace, "finished runs of the folder"
    total, sources, deadline = 0.0, dict[Source, None](), time.perf_counter() + SECONDS_OF_PILOTS
    last: tuple[Pace, Source] | None = None
    hidden = 0
    # The largest first: what there is no time to try takes no longer than they do.
    for job in sorted(plan.jobs, key=_size, reverse=True):
        kind = kind_of(job.recipe, dataset)
        if kind not in found or not found[kind][0].holds_for(job.recipe, samples):
            left = deadline - time.perf_counter()
            # A baseline takes no longer than the network of its size with a self-model, which came before it.
            is_its_baseline = job.recipe.aux_weight == 0 and job.recipe.hidden == hidden
            if last is not None and (is_its_baseline or left <= 0):
                found[kind] = last
            else:
                found[kind] = pilot_pace(job, dataset, max(left, 0.0)), "a short pilot run"
        last, hidden = found[kind], job.recipe.hidden
        total += found[kind][0].seconds(job.recipe, samples)
        sources[found[kind][1]] = None
    return ExpectedTime(total, tuple(sources))


def _size(job: Job) -> tuple:
    return job.recipe.rlct is not None, job.recipe.hidden, job.recipe.aux_weight > 0


def _of_the_folder(plan: Plan, dataset: Dataset) -> dict[str, Pace]:
    """Paces of the runs of these data that the folder has, by kind."""
    here = keras.config.backend(), tuple(transforms.devices())
    there = find_runs(plan.folder).results if plan.folder.is_dir() else ()
    alike = [run for run in there if run.config is not None and run.config.data.digest == dataset.digest]
    made_by = {run.folder: run.config.provenance for run in alike if run.config is not None}
    return paces_of([r for r in alike if (made_by[r.folder].backend, made_by[r.folder].devices) == here], dataset)
