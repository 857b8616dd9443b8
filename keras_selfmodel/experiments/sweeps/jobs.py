"""One run of a sweep: what it is, and what can come of it."""

import gc
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.run import Progress, run
from keras_selfmodel.experiments.run_folder import FolderBusyError, RunFolder, RunFolderError


@dataclass(frozen=True)
class Job:
    """A run to be computed.

    Attributes:
        recipe: Its settings.
        folder: Its run folder.
    """

    recipe: Recipe
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes:
        state: "finished"; "failed", for a reason that is the run's own; "busy", if another process computes it.
        reason: Why it failed.
    """

    state: str
    reason: str = ""


def perform(job: Job, dataset: Dataset, progress: Progress) -> Outcome:
    """Computes one run, or what is missing of it.

    Args:
        job: The run.
        dataset: Its data.
        progress: Hooks that are told about its epochs and steps.

    Returns:
        An `Outcome`. The reason of a failure stays in the run's folder, unless the folder is another run's.

    Raises:
        OSError, ImportError: What would end every other run too, such as a full disk or a missing package.
    """
    try:
        run(job.recipe, dataset, job.folder, resume=True, progress=progress)
    except FolderBusyError:
        return Outcome("busy")
    except RunFolderError as error:
        return Outcome("failed", str(error))
    except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        return failed(job, str(error) or type(error).__name__)
    finally:
        gc.collect()  # models refer to themselves and to the data of the run
    RunFolder(job.folder).forget_failure()
    return Outcome("finished")


def failed(job: Job, reason: str) -> Outcome:
    """Notes in the run's folder why it failed."""
    RunFolder(job.folder).write_failure(reason)
    return Outcome("failed", reason)
