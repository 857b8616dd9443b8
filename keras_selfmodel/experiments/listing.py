"""What is in a folder of runs, finished or not."""

from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.experiments.run_folder import DamagedRunError, RunFolder
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import read_run


@dataclass(frozen=True)
class ListedRun:
    """A run in a folder.

    Attributes:
        folder: Its folder.
        state: "finished", "unfinished, 3 epochs", "failed", or "damaged".
        result: What was measured, of a finished run.
        reason: What is damaged: the file, and what is wrong with it.
    """

    folder: Path
    state: str
    result: RunResult | None = None
    reason: str | None = None


def listed_runs(folder: str | Path) -> list[ListedRun]:
    """The runs in a folder and below it, by their paths.

    Args:
        folder: The folder.
    """
    # Of a finished run the configuration may have been lost.
    found = {file.parent for name in ("config.json", "metrics.json") for file in Path(folder).rglob(name)}
    return [_listed(RunFolder(place)) for place in sorted(found)]


def _listed(files: RunFolder) -> ListedRun:
    try:
        if files.finished:
            return ListedRun(files.path, "finished", read_run(files.path))
        if files.failure() is not None:
            return ListedRun(files.path, "failed")
        epochs = len(files.read_history())
        return ListedRun(files.path, f"unfinished, {epochs} epoch{'' if epochs == 1 else 's'}")
    except DamagedRunError as error:
        return ListedRun(files.path, "damaged", reason=str(error))
