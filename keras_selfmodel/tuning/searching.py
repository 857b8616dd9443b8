"""A search for settings, from its first trial to its last, through interruptions."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import keras_tuner

from keras_selfmodel._internals.keras_tuner import Trial as TunersTrial
from keras_selfmodel._typed_files import TypedFile
from keras_selfmodel._whole_files import remove_partial_files
from keras_selfmodel.datasets import Dataset, with_validation
from keras_selfmodel.experiments import (
    DamagedRunError,
    Progress,
    Recipe,
    RunFolderError,
    RunResult,
    Task,
    find_task,
    read_run,
)
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.stages.fitting import load_model
from keras_selfmodel.reporting import write_figure
from keras_selfmodel.statistics import pareto_front
from keras_selfmodel.tuning.front import front_figure
from keras_selfmodel.tuning.oracles import number_of_trials, oracle_of
from keras_selfmodel.tuning.score import Score
from keras_selfmodel.tuning.search_space import OneOf, Range, SearchSpace, space_around
from keras_selfmodel.tuning.trial_tuner import TrialTuner, is_worker
from keras_selfmodel.tuning.trials_table import write_trials
from keras_selfmodel.tuning.tuning_result import Trial, TuningResult

# The file in the folder of a search that says what is searched.
SEARCH_FILE = "search.json"


@dataclass(frozen=True)
class TuningProgress:
    """Progress callbacks of a search; each may be replaced.

    Attributes:
        trial: Called with the name of a trial that starts; returns the progress callbacks of its run.
        ended: Called with (the trial's name, its result or the reason why there is none, trials in all).
    """

    trial: Callable[[str], Progress] = lambda _: Progress()
    ended: Callable[[str, RunResult | str, int], None] = lambda *_: None


def tune(
    recipe: Recipe,
    dataset: Dataset,
    folder: str | Path,
    *,
    settings: Mapping[str, Range | OneOf] | None = None,
    score: Score | None = None,
    search: str = "bayesian",
    trials: int | None = None,
    validation: float = 0.1,
    progress: TuningProgress | None = None,
) -> TuningResult | None:
    """Searches for the settings with the highest score on validation data, and measures the test data once, at the end.

    Each trial is a run as `experiments.run` makes it, in a run folder of its own, trained on the training data without
    the validation data. May be interrupted at any time: the same call goes on where it stopped, and ends with the same
    trials; with more `trials` than before it is continued.

    Several processes share a search by keras-tuner's variables KERASTUNER_ORACLE_IP, KERASTUNER_ORACLE_PORT and
    KERASTUNER_TUNER_ID, in which one is called "chief" and trains nothing; all are given the same arguments, and a
    folder that all of them see. A worker that died is started again with its id, and goes on with its trial.

    Args:
        recipe: The settings that are not searched. Its seed is also that of the search and of the validation data. Its
            epochs are the maximum for Hyperband.
        dataset: The data, as `keras_selfmodel.datasets.load` returns them.
        folder: Where the files go. Created if need be.
        settings: What is searched, by the name of a field of `Recipe`; `None`: `space_around(recipe)`.
        score: What is maximized; `None`: accuracy − 0.001 · RLCT.
        search: "bayesian", "random" or "hyperband".
        trials: Number of trials; with Hyperband, the maximum. `None`: 20; Hyperband chooses the number itself.
        validation: Fraction of the training examples held out to score the trials.
        progress: Progress callbacks.

    Returns:
        A `TuningResult`; `None` in a worker, whose chief has it.

    Raises:
        RunFolderError: If the folder was written by another search, or holds a damaged file.
        FolderBusyError: If another process, not a worker, searches there.
        RuntimeError: If all trials failed; names the reasons.
        ValueError: If an argument is out of its range.
        OSError, ImportError: What would end every other trial too, such as a full disk. What was computed stays.

    Reference:
        Li et al., "Hyperband", JMLR 18 (2018); keras-tuner's Gaussian process with an upper confidence bound.

    Example:

    >>> from keras_selfmodel import datasets, experiments
    >>> recipe = experiments.TASKS["mnist"].recipe
    >>> tune(recipe, datasets.load("mnist"), "tuning/mnist", trials=5).best.recipe  # doctest: +SKIP
    """
    progress, score = progress or TuningProgress(), score or Score()
    space = SearchSpace(recipe, space_around(recipe) if settings is None else settings)
    if score.name == "rlct" and recipe.rlct is None:
        raise ValueError(
            "The score needs the RLCT, which the recipe leaves out. Measure it, or choose Score('spread')."
        )
    if search == "hyperband" and "epochs" in space.settings:
        raise ValueError("Hyperband chooses the epochs itself. Leave 'epochs' out of the settings to search.")
    if trials is not None and trials < 1:
        raise ValueError(f"trials must be at least 1. Received: trials={trials}")
    split = with_validation(dataset, validation, seed=recipe.seed)
    task = find_task(recipe.task)
    _check(task, space, split)
    oracle = oracle_of(search, space, trials, recipe.seed)
    total, files = number_of_trials(oracle), RunFolder(Path(folder))
    with contextlib.nullcontext() if is_worker() else files.locked():
        _claim(files, _config(space, split, score, search))
        if not is_worker():
            remove_partial_files(files.path, "*")
            for trial in files.path.glob("trial_*"):  # what else is there belongs to the trial's run
                remove_partial_files(trial, "trial.json")
        tuner = TrialTuner(
            oracle,
            space,
            split,
            score=score,
            folder=files.path,
            progress=progress.trial,
            ended=lambda name, outcome: progress.ended(name, outcome, total),
        )
        tuner.search()
        if is_worker():
            return None
        result = _result(task, tuner, space, oracle, dataset, split)
        write_trials(result)
        write_figure(front_figure(result), files.path / "front.png")
        return result


def _check(task: Task, space: SearchSpace, split: Dataset) -> None:
    """Builds one network, with all the targets, so that what would fail every trial ends the search here."""
    values: dict = {name: v.values[-1] if isinstance(v, OneOf) else v.low for name, v in space.settings.items()}
    searched = space.settings.get("targets")
    alternatives = searched.values if isinstance(searched, OneOf) else (space.base.targets,)
    values["targets"] = tuple(dict.fromkeys(layer for targets in alternatives for layer in targets))
    compiled_model(task, replace(space.base, **values), task.prepare(split))


@dataclass(frozen=True)
class SearchConfig:
    """What decides the trials, besides their number, which may grow: `search.json`."""

    recipe: Recipe
    searched: dict[str, str]
    search: str
    score: str
    data: str
    backend: str


SEARCH = TypedFile(SearchConfig, format=1)


def _config(space: SearchSpace, split: Dataset, score: Score, search: str) -> SearchConfig:
    return SearchConfig(
        recipe=space.base,
        searched=space.to_dict(),
        search=search,
        score=str(score),
        data=f"{split.source} ({split.digest[:12]})",
        backend=keras.config.backend(),
    )


def _claim(files: RunFolder, config: SearchConfig) -> None:
    """Makes sure that the folder is free or holds the same search."""
    if not (files.path / SEARCH_FILE).exists():
        if files.started:
            raise RunFolderError(f"{files.path} is the folder of a run. Choose another folder (folder=…).")
        files.write(SEARCH_FILE, SEARCH, config)
        return
    try:
        stored = files.read(SEARCH_FILE, SEARCH)
    except DamagedRunError as error:
        raise _damaged(error) from error
    there, here = _settings(stored), _settings(config)
    differences = [
        f"{name}: {there.get(name)} there, {here[name]} here" for name in here if there.get(name) != here[name]
    ]
    if differences:
        raise RunFolderError(
            f"{files.path} was written by a search with other settings: {'; '.join(differences)}. Choose another "
            "folder (folder=…)."
        )


def _damaged(error: DamagedRunError) -> RunFolderError:
    """The same with other advice: a trial is no run that is computed again when its folder is gone."""
    return RunFolderError(
        f"{error.file} is {error.state}: {error.reason} Start the search again in another folder (folder=…)."
    )


def _settings(config: SearchConfig) -> dict:
    return {**vars(config), **config.recipe.settings()} | {"recipe": config.recipe.task}


def _result(
    task: Task, tuner: TrialTuner, space: SearchSpace, oracle: keras_tuner.Oracle, dataset: Dataset, split: Dataset
) -> TuningResult:
    trials = [_trial(tuner, oracle.trials[number]) for number in oracle.start_order]
    finished = [
        (trial.score, trial, trial.result) for trial in trials if trial.score is not None and trial.result is not None
    ]
    if not finished:
        reasons = dict.fromkeys(trial.failure or "no score" for trial in trials)
        raise RuntimeError(f"All {len(trials)} trials failed: {'; '.join(reasons)}")
    _, best, run_of_best = max(finished, key=lambda scored: scored[0])
    complexity = tuner.score.name
    if complexity == "accuracy":
        complexity = "spread" if best.recipe.rlct is None else "rlct"
    measured = [
        (trial, run.accuracy, cost) for _, trial, run in finished if (cost := trial.complexity(complexity)) is not None
    ]
    front = pareto_front([accuracy for _, accuracy, _ in measured], [cost for _, _, cost in measured])
    return TuningResult(
        trials=tuple(trials),
        front=tuple(measured[place][0] for place in front),
        best=best,
        test_accuracy=_test_accuracy(task, best, RunFolder(run_of_best.folder), dataset, split),
        scored_by=tuner.score,
        searched=space.to_dict(),
        complexity=complexity,
        folder=tuner.folder,
    )


def _trial(tuner: TrialTuner, trial: TunersTrial) -> Trial:
    files = tuner.folder_of(trial.trial_id)
    recipe = tuner.recipe_of(trial)
    if trial.status != "COMPLETED":
        # A worker's reason does not reach the chief but by the folder.
        return Trial(files.path.name, recipe, None, None, trial.message or files.failure() or "not finished")
    try:
        return Trial(files.path.name, recipe, trial.score, read_run(files.path), None)
    except RunFolderError as error:  # damaged or removed since
        return Trial(files.path.name, recipe, None, None, str(error))


def _test_accuracy(task: Task, best: Trial, files: RunFolder, dataset: Dataset, split: Dataset) -> float:
    """The first and only look at the test data."""
    tested = task.prepare(replace(split, x_test=dataset.x_test, y_test=dataset.y_test))
    try:
        model = load_model(files.model)
    except DamagedRunError as error:
        raise _damaged(error) from error
    return task.trainer(best.recipe, tested).evaluate(model)["accuracy"]
