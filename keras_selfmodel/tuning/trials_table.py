"""`trials.csv` and `trials.json`: every trial of a search."""

import csv
import io
import json

from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.experiments.sweeps.results_table import RECIPE_COLUMNS, RESULT_COLUMNS, row_of
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
    rows, text = trial_rows(result), io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    whole = json.dumps(trials_json(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    for name, content in (("trials.csv", text.getvalue()), ("trials.json", whole)):
        write_whole(result.folder / name, lambda part, content=content: part.write_text(content, encoding="utf-8"))


def _row(trial: Trial, result: TuningResult) -> dict:
    settings = {name: getattr(trial.recipe, name) for name in dict.fromkeys((*result.searched, *RECIPE_COLUMNS))}
    if "targets" in settings:
        settings["targets"] = "+".join(settings["targets"])
    measured = {} if trial.result is None else row_of(trial.result)
    measures = {name: measured.get(name) for name in (*RESULT_COLUMNS, "rlct_warnings")}
    return {
        "trial": trial.name,
        "score": trial.score,
        "on_front": trial in result.front,
        **settings,
        "validation_accuracy": measures.pop("accuracy"),
        **measures,
        "failure": trial.failure,
    }
