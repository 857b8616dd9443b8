"""One run of a sweep computed, and its outcome."""

import gc
from dataclasses import dataclass
from typing import Literal

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.folder_errors import DamagedRunError, FolderBusyError, RunFolderError
from keras_selfmodel.experiments.one_run import run
from keras_selfmodel.experiments.progress import Progress
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.sweeps.jobs import Job


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        state: "finished"; "failed", for a reason that is the run's own; "busy", if another process computes it.
        reason: Why it failed.
        result: What was found, if it is finished: whoever waits for it need not read the folder, where a network's
            file system may show new files only after a while.
    """

    state: Literal["finished", "failed", "busy"]
    reason: str = ""
    result: RunResult | None = None


def perform(job: Job, dataset: Dataset, progress: Progress) -> Outcome:
    """Computes one run, or what is missing of it.

    Args:
        job: The run.
        dataset: Its data.
        progress: Progress callbacks.

    Returns:
        An `Outcome`. The reason of a failure stays in the run's folder, unless the folder is another run's.

    Raises:
        OSError, ImportError: What would end every other run too, such as a full disk or a missing package.
    """
    try:
        try:
            result = run(job.recipe, dataset, job.folder, resume=True, progress=progress)
        except DamagedRunError:
            if not job.anew_if_damaged:
                raise
            files = RunFolder(job.folder)
            with files.locked():
                files.discard()
            result = run(job.recipe, dataset, job.folder, resume=True, progress=progress)
    except FolderBusyError:
        return Outcome("busy")
    except DamagedRunError as error:
        return Outcome("failed", error.finding)
    except RunFolderError as error:
        return Outcome("failed", str(error))
    except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        return failed(job, str(error) or type(error).__name__)
    finally:
        gc.collect()  # models refer to themselves and to the data of the run
    RunFolder(job.folder).forget_failure()
    return Outcome("finished", result=result)


def failed(job: Job, reason: str) -> Outcome:
    """Notes in the run's folder why it failed."""
    RunFolder(job.folder).write_failure(reason)
    return Outcome("failed", reason)
