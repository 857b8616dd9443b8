"""`results.csv`: one row for each finished run of a sweep."""

import time
from pathlib import Path

from keras_selfmodel._whole_files import write_csv
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import finished_runs

# Seconds between two tables for each second that one took: thousands of folders take seconds to read.
PAUSE = 20

RECIPE_COLUMNS = ("task", "hidden", "objective", "aux_weight", "seed", "epochs", "batch_size", "learning_rate")
RESULT_COLUMNS = (
    "backend",
    "accuracy",
    "weight_spread",
    "weight_interquartile_range",
    "weight_excess_kurtosis",
    "self_prediction_r2",
    "self_prediction_loss",
    "rlct",
    "rlct_std_error",
    "rlct_descended",
    "rlct_descended_std_error",
    "inverse_temperature",
    "is_subset",
)


def row_of(result: RunResult) -> dict:
    """One run as plain values by column, without anything that differs when the run is repeated."""
    return {
        **{name: getattr(result.recipe, name) for name in RECIPE_COLUMNS},
        **{name: getattr(result, name) for name in RESULT_COLUMNS},
        "rlct_warnings": " ".join(result.rlct_warnings),
        "run": result.folder.name,
    }


def write_results(folder: Path) -> list[RunResult]:
    """Writes `results.csv` of all finished runs in a sweep's folder, whoever computed them.

    Returns:
        Their results.
    """
    from filelock import FileLock

    # Sweeps that share the folder each write what both have found; the last to look must be the last to write.
    with FileLock(folder / ".results.lock"):
        results = finished_runs(folder)
        write_csv(folder / "results.csv", [row_of(result) for result in results])
    return results


class ResultsTable:
    """Keeps `results.csv` up to date while runs end, in a twentieth of the time at most.

    Args:
        folder: The sweep's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0.0

    def update(self) -> None:
        """Writes the table, unless that was done a short while ago."""
        start = time.monotonic()
        if start >= self._next:
            write_results(self._folder)
            end = time.monotonic()
            self._next = end + PAUSE * (end - start)
