"""Reading the runs that lie in a folder."""

import functools
import math
import warnings
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.experiments.folder_errors import (
    ContradictingFilesError,
    DamagedRunError,
    RunFolderError,
    UnfinishedRunError,
)
from keras_selfmodel.experiments.objectives import OBJECTIVES
from keras_selfmodel.experiments.places import run_places
from keras_selfmodel.experiments.run_config import CONFIG, RunConfig, differing_settings
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_result import METRICS, RunResult

# What a run without the file lacks.
MISSING = {
    "config.json": "the data and versions that the run was computed with are unknown",
    "seconds.json": "how long the run took is unknown",
    "history.csv": "the run is left out of curves over the epochs",
}


# What `read_run` reads.
READ = ("metrics.json", "config.json", "seconds.json")


class RunWarning(UserWarning):
    """A run in a folder is left out, or lacks something."""


@dataclass(frozen=True)
class FoundRuns:
    """The finished runs of a folder.

    Attributes:
        results: Those that can be read, by task, hidden units, objective, auxiliary weight, seed and backend.
        damaged: Why others cannot, and folders that cannot be looked into.
    """

    results: tuple[RunResult, ...]
    damaged: tuple[DamagedRunError, ...]


def read_run(folder: str | Path) -> RunResult:
    """The result of one finished run. Its files are read again only if the time or size of one has changed.

    Args:
        folder: A run folder.

    Raises:
        RunFolderError: If the folder holds no run, the run is not finished, or a file is damaged.
    """
    files = RunFolder(Path(folder))
    if not files.finished:
        if files.started:
            raise UnfinishedRunError(f"{files.path} holds an unfinished run.")
        raise RunFolderError(f"{files.path} holds no run.")
    return _read_run(files.path, tuple(_stamp(files.path / name) for name in READ))


# A sweep reads all of its folder for each `results.csv`, and a report asks for curves more than once.
@functools.lru_cache(maxsize=100_000)
def _read_run(folder: Path, _: tuple) -> RunResult:
    files = RunFolder(folder)
    stored = files.read("metrics.json", METRICS)
    if missing := stored.missing_estimate():
        reason = f"{missing} must be given, as the recipe asks for it. Received: null."
        raise DamagedRunError(files.path / "metrics.json", reason)
    config = read_config(folder) if files.started else None
    if config is not None and config.recipe != stored.recipe:
        words = "; ".join(differing_settings(stored.recipe.settings(), config.recipe.settings()))
        reason = f"the recipe differs from the one there ({words})."
        raise ContradictingFilesError(files.path / "config.json", reason)
    if config is not None and config.provenance.backend != stored.backend:
        reason = f"backend is {stored.backend!r} there, and provenance.backend {config.provenance.backend!r} here."
        raise ContradictingFilesError(files.path / "config.json", reason)
    return RunResult.of(stored, files.seconds(), files.path, config)


def read_config(folder: Path) -> RunConfig:
    """What was written down of a run before it started; read again only if the time or size of the file has changed.

    Raises:
        FileNotFoundError: If the file is missing.
        DamagedRunError: If it holds something else.
    """
    return _read_config(folder, _stamp(folder / "config.json"))


@functools.lru_cache(maxsize=100_000)
def _read_config(folder: Path, _: tuple | None) -> RunConfig:
    return RunFolder(folder).read("config.json", CONFIG)


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Changes with the content of a file, which is replaced as a whole; `None` if there is none."""
    try:
        found = file.stat()
    except OSError:  # Missing, or a link to itself; whoever reads it says what is wrong.
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def find_runs(folder: str | Path) -> FoundRuns:
    """The finished runs in a folder: the folder of one run, or of a sweep, or any above them.

    Args:
        folder: Where to look, at any depth.

    Returns:
        Those that can be read, and what is wrong with the others. Unfinished runs are left out.

    Raises:
        RunFolderError: If the folder does not exist.
    """
    root = Path(folder)
    if not root.is_dir():
        raise RunFolderError(f"There is no folder {root}.")
    places = run_places(root, "metrics.json")
    results, damaged = [], list[DamagedRunError](places.unreadable)
    for run in places.folders:
        try:
            results.append(read_run(run))
        except DamagedRunError as error:
            damaged.append(error)
    return FoundRuns(tuple(sorted(results, key=place_of)), tuple(damaged))


@contextmanager
def left_out() -> Iterator[None]:
    """Leaves out a run of many, with a `RunWarning`, if one of its files turns out to be damaged inside."""
    try:
        yield
    except DamagedRunError as error:
        warnings.warn(f"Left out: {error}", RunWarning, stacklevel=4)  # where the run was asked for


def read_runs(folders: Iterable[str | Path]) -> list[RunResult]:
    """The results of finished runs that can be read; gives a `RunWarning` for each that is damaged or unfinished.

    Args:
        folders: Run folders.

    Returns:
        In the order of the folders.

    Raises:
        RunFolderError: If a folder holds no run, or no run can be read.
    """
    results = []
    for folder in folders:
        with left_out():
            try:
                results.append(read_run(folder))
            except UnfinishedRunError as error:
                warnings.warn(f"Left out: {error}", RunWarning, stacklevel=2)
    if not results:
        raise RunFolderError("None of these folders holds a finished run that can be read.")
    return results


def finished_runs(folder: str | Path) -> list[RunResult]:
    """The results of all finished runs in a folder that can be read; gives a `RunWarning` for each of the others.

    Args:
        folder: Where to look, at any depth.

    Returns:
        Ordered by task, hidden units, objective, auxiliary weight, seed and backend. Unfinished runs are left out.

    Raises:
        RunFolderError: If the folder does not exist.
    """
    found = find_runs(folder)
    for error in found.damaged:
        warnings.warn(f"Left out: {error}", RunWarning, stacklevel=2)
    return list(found.results)


def shortcomings(result: RunResult) -> list[str]:
    """What a finished run lacks: sentences about missing files, and a history that cannot be read."""
    said = [f"{name} is missing: {what}." for name, what in MISSING.items() if not (result.folder / name).exists()]
    history = spread_history(result)
    if history.damage:
        return [*said, f"history.csv is damaged: {history.damage} It is left out of curves over the epochs."]
    lack = ""
    if history.epochs and len(history.epochs) != result.recipe.epochs:
        lack = f"has {len(history.epochs)} of the run's {result.recipe.epochs} epochs"
        if len(history.epochs) > result.recipe.epochs:
            lack = f"has {len(history.epochs)} epochs, but the run only {result.recipe.epochs}"
    elif not all(map(math.isfinite, history.weight_spread)):
        lack = "has no weight_spread after some epochs"
    return [*said, f"history.csv {lack}: it is left out of curves over the epochs."] if lack else said


@dataclass(frozen=True)
class SpreadHistory:
    """What the figures of many runs show of one run's history, in little memory.

    Attributes:
        epochs: The epochs that `history.csv` has; none if it is missing.
        weight_spread: The spread after each of them; NaN where it has none.
        accuracy: On the training data after the last epoch; NaN where it has none.
        damage: What is wrong with the file; empty for nothing.
    """

    epochs: array
    weight_spread: array
    accuracy: float = math.nan
    damage: str = ""


def spread_history(result: RunResult) -> SpreadHistory:
    """The weight spread over the epochs of a run; a file is read again only if its time or size has changed."""
    return _spread_history(result.folder, _stamp(RunFolder(result.folder).history))


@functools.lru_cache(maxsize=100_000)
def _spread_history(folder: Path, _: tuple | None) -> SpreadHistory:
    try:
        rows = RunFolder(folder).read_history()
        epochs = array("l", [int(row["epoch"]) for row in rows])
    except DamagedRunError as error:
        return SpreadHistory(array("l"), array("d"), damage=error.reason)
    spreads = array("d", [row.get("weight_spread", math.nan) for row in rows])
    return SpreadHistory(epochs, spreads, rows[-1].get("accuracy", math.nan) if rows else math.nan)


def place_of(result: RunResult) -> tuple:
    """What results are sorted by: task, hidden units, objective, auxiliary weight, seed, backend, folder."""
    recipe = result.recipe
    objective = list(OBJECTIVES).index(recipe.objective)
    return recipe.task, recipe.hidden, objective, recipe.aux_weight, recipe.seed, result.backend, str(result.folder)
