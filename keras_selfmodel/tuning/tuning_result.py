"""What a search found."""

from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.experiments import Recipe, RunResult
from keras_selfmodel.tuning.score import COMPLEXITIES, Score


@dataclass(frozen=True)
class Trial:
    """One network of a search.

    Attributes:
        name: Its folder's name, such as "trial_03".
        recipe: Its settings.
        score: Its score, which the search maximized; `None` if the trial failed.
        result: The measures of its run, whose accuracy is that on the validation data; `None` if it failed.
        failure: Why it failed.
    """

    name: str
    recipe: Recipe
    score: float | None
    result: RunResult | None
    failure: str | None

    def complexity(self, name: str) -> float | None:
        """Its measure called "rlct" or "spread"; `None` if that is not to be used."""
        return None if self.result is None else self.result.number(COMPLEXITIES[name])


@dataclass(frozen=True)
class TuningResult:
    """All trials and the best of them.

    Attributes:
        trials: In the order in which they were started.
        front: Those that no other trial beats in both validation accuracy and complexity, the simplest first.
        best: The one with the highest score.
        test_accuracy: Its accuracy on the test data, which the search did not see: the number to quote.
        scored_by: What was maximized.
        searched: What was searched, as text by the name of the setting.
        complexity: "rlct" or "spread": the second axis of the front.
        folder: `search.json`, `trials.csv`, `trials.json`, `front.png`, `oracle.json` (keras-tuner's state), and a run
            folder for each trial, which `ksm compare` and `ksm report` read.
    """

    trials: tuple[Trial, ...]
    front: tuple[Trial, ...]
    best: Trial
    test_accuracy: float
    scored_by: Score
    searched: dict[str, str]
    complexity: str
    folder: Path
