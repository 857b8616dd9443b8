"""What is in a folder of runs, finished or not."""

from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.experiments.folder_errors import DamagedRunError, UnreadableFolderError
from keras_selfmodel.experiments.places import run_places
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import read_run


@dataclass(frozen=True)
class ListedRun:
    """A run in a folder.

    Attributes:
        folder: Its folder.
        state: "finished", "unfinished, 3 epochs", "failed", "damaged", or "unreadable" of a folder that may hold runs.
        result: What was measured, of a finished run.
        reason: What is damaged or unreadable: the file or folder, and what is wrong with it.
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
    places = run_places(folder, "config.json", "metrics.json")
    found = [_listed(RunFolder(place)) for place in places.folders]
    return sorted([*found, *map(_left_out, places.unreadable)], key=lambda run: run.folder)


def _listed(files: RunFolder) -> ListedRun:
    try:
        if files.finished:
            return ListedRun(files.path, "finished", read_run(files.path))
        if files.failure() is not None:
            return ListedRun(files.path, "failed")
        epochs = len(files.read_history())
        return ListedRun(files.path, f"unfinished, {epochs} epoch{'' if epochs == 1 else 's'}")
    except DamagedRunError as error:
        return _left_out(error)


def _left_out(error: DamagedRunError) -> ListedRun:
    state = error.state if isinstance(error, UnreadableFolderError) else "damaged"
    return ListedRun(error.folder, state, reason=str(error))
