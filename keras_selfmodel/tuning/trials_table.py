"""`trials.csv` and `trials.json`: every trial of a search."""

from dataclasses import dataclass

from keras_selfmodel._typed_files import TypedFile, plain
from keras_selfmodel._whole_files import write_csv
from keras_selfmodel.experiments.sweeps.results_table import RECIPE_COLUMNS, measures_of
from keras_selfmodel.tuning.tuning_result import Trial, TuningResult


@dataclass(frozen=True)
class Trials:
    """What `trials.json` holds.

    Attributes:
        score: What was maximized.
        complexity: "rlct" or "spread": the second axis of the front.
        searched: What was searched, as text by the name of the setting.
        best: Name of the trial with the highest score.
        test_accuracy: Its accuracy on the test data.
        front: Names of the trials that no other beats in both accuracy and complexity.
        trials: `trial_rows`.
    """

    score: str
    complexity: str
    searched: dict[str, str]
    best: str
    test_accuracy: float
    front: tuple[str, ...]
    trials: tuple[dict[str, bool | int | float | str | None], ...]

    @classmethod
    def of(cls, result: TuningResult) -> "Trials":
        """The whole search."""
        return cls(
            score=str(result.scored_by),
            complexity=result.complexity,
            searched=result.searched,
            best=result.best.name,
            test_accuracy=result.test_accuracy,
            front=tuple(trial.name for trial in result.front),
            trials=tuple(trial_rows(result)),
        )


TRIALS_FILE = TypedFile(Trials, format=1)


def trial_rows(result: TuningResult) -> list[dict]:
    """One row for each trial, plain values by column, without anything that differs when the search is repeated."""
    return [_row(trial, result) for trial in result.trials]


def trials_json(result: TuningResult) -> dict:
    """The whole search as JSON."""
    return plain(Trials.of(result))


def write_trials(result: TuningResult) -> None:
    """Writes both files to the search's folder."""
    write_csv(result.folder / "trials.csv", trial_rows(result))
    TRIALS_FILE.write(result.folder / "trials.json", Trials.of(result))


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
