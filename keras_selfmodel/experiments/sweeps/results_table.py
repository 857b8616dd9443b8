"""`results.csv`: one row for each finished run of a sweep.

It is for spreadsheets and data frames, so without the format's number that JSON files have; the package never reads it.
"""

import time
from pathlib import Path

from keras_selfmodel._whole_files import remove_partial_files, write_csv
from keras_selfmodel.experiments.run_folder import lock_file
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import find_runs
from keras_selfmodel.rlct import RLCTSummary

RESULTS = "results.csv"
# Seconds between two tables for each second that one took: thousands of folders take seconds to read.
PAUSE = 20

RECIPE_COLUMNS = (
    "task",
    "hidden",
    "objective",
    "aux_weight",
    "seed",
    "epochs",
    "batch_size",
    "learning_rate",
    "label_noise",
    "input_noise",
)
RESULT_COLUMNS = (
    "backend",
    "accuracy",
    "weight_spread",
    "weight_interquartile_range",
    "weight_excess_kurtosis",
    "self_prediction_r2",
    "self_prediction_loss",
)
# Of each estimate, "rlct" and "rlct_descended": its value has the column of its name.
RLCT_COLUMNS = (
    "std_error",
    "sampling_error",
    "verdict",
    "warnings",
    "convention",
    "sampler",
    "inverse_temperature",
    "localization",
    "distance",
    "anchor_norm",
    "initial_loss",
    "gradient_term",
    "heat_correction",
    "r_hat",
    "ess",
    "num_chains",
    "num_draws",
    "num_samples",
    "num_parameters",
)
# Of the descent before "rlct_descended".
DESCENT_COLUMNS = ("trained_loss", "loss", "distance", "steps")


def measures_of(result: RunResult) -> dict:
    """What was measured, as plain values by column."""
    return {
        **{name: getattr(result, name) for name in RESULT_COLUMNS},
        **_estimate("rlct", result.rlct),
        **_estimate("rlct_descended", result.rlct_descended),
        **_descent(result.rlct_descended),
        "is_subset": result.is_subset,
    }


def row_of(result: RunResult) -> dict:
    """One run as plain values by column, without anything that differs when the run is repeated."""
    settings = {name: getattr(result.recipe, name) for name in RECIPE_COLUMNS}
    return {**settings, **measures_of(result), "run": result.folder.name}


def _estimate(name: str, estimate: RLCTSummary | None) -> dict:
    values = {column: getattr(estimate, column, None) for column in RLCT_COLUMNS}
    warnings = " ".join(values["warnings"] or ())
    return {
        name: getattr(estimate, "value", None),
        **{f"{name}_{column}": value for column, value in (values | {"warnings": warnings}).items()},
    }


def _descent(estimate: RLCTSummary | None) -> dict:
    descent = None if estimate is None else estimate.descent
    return {f"descent_{column}": getattr(descent, column, None) for column in DESCENT_COLUMNS}


def write_results(folder: Path) -> tuple[RunResult, ...]:
    """Writes `results.csv` of all finished runs in a sweep's folder, whoever computed them; removes partial ones.

    Returns:
        Their results.
    """
    from filelock import FileLock

    # Sweeps that share the folder each write what both have found; the last to look must be the last to write.
    with FileLock(lock_file(folder, ".results.lock")):
        remove_partial_files(folder, RESULTS)
        # Damaged runs have no row; commands that read the folder report them.
        results = find_runs(folder).results
        write_csv(folder / RESULTS, [row_of(result) for result in results])
    return results


class ResultsTable:
    """Keeps `results.csv` up to date while runs end, in a twentieth of the time at most.

    Args:
        folder: The sweep's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0.0
        self.update()  # What cannot be written is found before anything is computed.

    def update(self) -> None:
        """Writes the table, unless that was done a short while ago."""
        start = time.monotonic()
        if start >= self._next:
            write_results(self._folder)
            end = time.monotonic()
            self._next = end + PAUSE * (end - start)
