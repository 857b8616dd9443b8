"""Reading the runs that lie in a folder."""

from pathlib import Path

from keras_selfmodel.experiments.objectives import OBJECTIVES
from keras_selfmodel.experiments.run_folder import RunFolder, RunFolderError
from keras_selfmodel.experiments.run_result import RunResult


def read_run(folder: str | Path) -> RunResult:
    """The result of one finished run.

    Args:
        folder: A run folder.

    Raises:
        RunFolderError: If there is none, the run is not finished, or a file is damaged.
    """
    files = RunFolder(Path(folder))
    if not files.finished:
        state = "an unfinished run" if files.started else "no run"
        raise RunFolderError(f"{files.path} holds {state}.")
    try:
        return RunResult.from_metrics(files.read_json("metrics.json"), files.read_json("seconds.json"), files.path)
    except (KeyError, TypeError) as error:
        raise RunFolderError(
            f"{files.path / 'metrics.json'} is damaged: {error}. Start the run anew in another folder."
        ) from error


def finished_runs(folder: str | Path) -> list[RunResult]:
    """The results of all finished runs in a folder: the folder of one run, or of a sweep, or any above them.

    Args:
        folder: Where to look, at any depth.

    Returns:
        Ordered by task, hidden units, objective, auxiliary weight, seed and backend. Unfinished runs are left out.

    Raises:
        RunFolderError: If the folder does not exist, or a file of a run is damaged.
    """
    root = Path(folder)
    if not root.is_dir():
        raise RunFolderError(f"There is no folder {root}.")
    results = [read_run(file.parent) for file in root.rglob("metrics.json")]
    return sorted(results, key=place_of)


def place_of(result: RunResult) -> tuple:
    """What results are sorted by: task, hidden units, objective, auxiliary weight, seed, backend, folder."""
    recipe = result.recipe
    objective = list(OBJECTIVES).index(recipe.objective)
    return recipe.task, recipe.hidden, objective, recipe.aux_weight, recipe.seed, result.backend, str(result.folder)
