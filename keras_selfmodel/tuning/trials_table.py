"""`trials.csv` and `trials.json`: every trial of a search."""

import json

from keras_selfmodel._whole_files import write_csv, write_whole
from keras_selfmodel.experiments.sweeps.results_table import RECIPE_COLUMNS, measures_of
from keras_selfmodel.tuning.tuning_result import Trial, TuningResult


def trial_rows(result: TuningResult) -> list[dict]:
    """One row for each trial, plain values by column, without anything that differs when the search is repeated."""
    return [_row(trial, result) for trial in result.trials]


def trials_json(result: TuningResult) -> dict:
    """The whole search as JSON holds it."""
    return {
        "score": str(result.scored_by),
        "complexity": result.complexity,
        "searched": result.searched,
        "best": result.best.name,
        "test_accuracy": result.test_accuracy,
        "front": [trial.name for trial in result.front],
        "trials": trial_rows(result),
    }


def write_trials(result: TuningResult) -> None:
    """Writes both files to the search's folder."""
    whole = json.dumps(trials_json(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_csv(result.folder / "trials.csv", trial_rows(result))
    write_whole(result.folder / "trials.json", lambda part: part.write_text(whole, encoding="utf-8"))


def _row(trial: Trial, result: TuningResult) -> dict:
    settings = {name: getattr(trial.recipe, name) for name in dict.fromkeys((*result.searched, *RECIPE_COLUMNS))}
    if "targets" in settings:
        settings["targets"] = "+".join(settings["targets"])
    some = next(one.result for one in result.trials if one.result is not None)
    measures = dict.fromkeys(measures_of(some)) if trial.result is None else measures_of(trial.result)
    return {
        "trial": trial.name,
        "score": trial.score,
        "on_front": trial in result.front,
        **settings,
        "validation_accuracy": measures.pop("accuracy"),
        **measures,
        "failure": trial.failure,
    }
