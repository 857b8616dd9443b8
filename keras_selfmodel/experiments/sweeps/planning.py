"""What a sweep has to compute, and which of its runs exist already."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel._installation import backend_of_keras
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.folder_errors import DamagedRunError, RunFolderError, UnreadableFolderError
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.stages.claiming import finished_run
from keras_selfmodel.experiments.sweeps.jobs import Job


@dataclass(frozen=True)
class Plan:
    """What a sweep has to do.

    Attributes:
        folder: Where the runs lie.
        jobs: Runs to be computed, or to be finished.
        kept: Results of runs that exist already.
        failures: Reasons for the failure of runs that will not be tried again, and of runs whose folder belongs to
            another run.
    """

    folder: Path
    jobs: tuple[Job, ...]
    kept: tuple[RunResult, ...]
    failures: dict[Job, str]


def plan_sweep(recipes: Sequence[Recipe], dataset: Dataset, folder: str | Path, *, retry_failed: bool = False) -> Plan:
    """Finds out which runs exist already.

    Args:
        recipes: Settings of the runs.
        dataset: Their data.
        folder: The sweep's folder, which need not exist. Each run has a folder in it, as `run` makes it.
        retry_failed: Whether runs that failed before are tried again, and those with a damaged file computed again.

    Returns:
        A `Plan`. Runs in the folder that were not asked for are left alone.

    Raises:
        ValueError: If the task has no trainer for an objective.
    """
    jobs, kept, failures = [], [], {}
    backend = backend_of_keras()
    for recipe in recipes:
        job = Job(recipe, Path(folder) / f"{recipe.name}-{backend}")
        job.task.check(recipe)
        try:
            result = finished_run(recipe, dataset, job.folder)
            failure = None if retry_failed else RunFolder(job.folder).failure()
        except UnreadableFolderError as error:
            result, failure = None, error.finding
        except DamagedRunError as error:
            result, failure = None, None if retry_failed else error.finding
        except RunFolderError as error:
            result, failure = None, str(error)
        if result is not None:
            kept.append(result)
        elif failure is not None:
            failures[job] = failure
        else:
            jobs.append(dataclasses.replace(job, anew_if_damaged=retry_failed))
    return Plan(Path(folder), tuple(jobs), tuple(kept), failures)
