"""The first stage: the folder is free, or holds the same run."""

from pathlib import Path

from keras_selfmodel._installation import backend_of_keras
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.folder_errors import FolderTakenError, RunFolderError
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.run_config import CONFIG, DataIdentity, RunConfig
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import read_config, read_run


def claim(files: RunFolder, config: RunConfig, *, resume: bool) -> RunResult | None:
    """Makes sure that a folder is free or holds the same run, and notes the run there.

    Args:
        files: The folder.
        config: What decides the run's numbers.
        resume: Whether the run may be there already.

    Returns:
        The result of a finished run; `None` if there is something to compute.

    Raises:
        FolderTakenError: If the folder holds the run and `resume` is false.
        RunFolderError: If it holds another run, a damaged file, or files of a run without the settings that made them.
    """
    if not files.started:
        if files.results:
            raise RunFolderError(
                f"{files.path} holds {', '.join(files.results)}, but no config.json with the settings that "
                "made them. Choose another folder (folder=…)."
            )
        runs = _runs_below(files.path)
        if runs:
            raise RunFolderError(
                f"{files.path} is a folder of runs, such as {runs[0]}, and cannot be a run itself. Choose another "
                "folder, which may be inside it (folder=…)."
            )
        files.write("config.json", CONFIG, config)
        return None
    _check_same(files, config.recipe, config.data, config.provenance.backend)
    if not resume:
        raise FolderTakenError(files.path, finished=files.finished)
    if not files.finished:
        return None
    files.tidy()
    return read_run(files.path)


def _runs_below(folder: Path) -> list[str]:
    """Names of the runs that lie directly in a folder."""
    return sorted(file.parent.name for name in ("config.json", "metrics.json") for file in folder.glob(f"*/{name}"))


def finished_run(recipe: Recipe, dataset: Dataset, folder: str | Path) -> RunResult | None:
    """The result of the finished run in a folder, or `None` if there is none; nothing is computed.

    Args:
        recipe: The settings it has to have.
        dataset: The data it has to have been trained on.
        folder: Where it may be.

    Raises:
        RunFolderError: If the folder holds a run with other settings, or a damaged file.
    """
    files = RunFolder(Path(folder))
    if not (files.started and files.finished):
        return None
    _check_same(files, recipe, DataIdentity.of(dataset), backend_of_keras())
    files.tidy()
    return read_run(files.path)


def _check_same(files: RunFolder, recipe: Recipe, data: DataIdentity, backend: str) -> None:
    """Raises a `RunFolderError` if the folder holds a run with other settings."""
    there = read_config(files.path)
    differences = there.differences(recipe, data, backend)
    if differences:
        same = there.provenance.backend
        or_it = "" if same == backend else f", or compute on the run's backend: KERAS_BACKEND={same}"
        raise RunFolderError(
            f"{files.path} was written by a run with other settings: {'; '.join(differences)}. Choose another folder "
            f"(folder=…){or_it}."
        )
