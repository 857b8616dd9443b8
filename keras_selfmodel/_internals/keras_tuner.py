"""keras-tuner: where an oracle keeps its files, what it does after a trial, and how many trials Hyperband wants.

Relied on: `keras_tuner.engine.base_tuner.BaseTuner` and its `_try_run_and_update_trial`; `Oracle._get_oracle_fname`,
`_get_trial_dir`, `_save_trial` and `_retry_queue`; `BayesianOptimizationOracle._random_state`;
`HyperbandOracle._get_num_brackets`, `_get_num_rounds` and `_get_size`.
"""

from pathlib import Path

import numpy as np

from keras_selfmodel._installation import installing

try:
    import keras_tuner
except ImportError as error:
    raise ImportError(f"Tuning needs keras-tuner: {installing('tune')}") from error
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial

from keras_selfmodel._whole_files import write_whole


class OracleOfWholeFiles(keras_tuner.Oracle):
    """An oracle whose files no reader meets half written; to be named before the oracle whose trials it proposes."""

    _retry_queue: list[str]

    @property
    def file(self) -> Path:
        """Holds the oracle's state."""
        return Path(self._get_oracle_fname())

    def save(self) -> None:
        # The class above `Oracle` writes any file; `Oracle` itself always names the final one.
        write_whole(self.file, lambda part: super(keras_tuner.Oracle, self).save(str(part)))

    def _save_trial(self, trial: Trial) -> None:
        file = Path(self._get_trial_dir(trial.trial_id)) / "trial.json"
        write_whole(file, lambda part: trial.save(str(part)))

    def forget_what_was_lost(self) -> None:
        """Puts right a state that was reloaded after the process had been killed between two files."""
        # Between the file of a new trial and that of the oracle: the trial will be drawn again, the same.
        for unknown in set(self.trials) - set(self.start_order):
            del self.trials[unknown]
        # Between the end of a trial and the oracle's taking note that nobody is at work on it.
        self._retry_queue = [trial for trial in self._retry_queue if trial not in self.end_order]


class TunerThatStops(BaseTuner):
    """A tuner that an unexpected error ends: keras-tuner prints a traceback and goes on, even when a disk is full."""

    def _try_run_and_update_trial(self, trial: Trial) -> None:
        try:
            self.oracle.update_trial(trial.trial_id, self.run_trial(trial))
            trial.status = "COMPLETED"
        except keras_tuner.errors.FailedTrialError as error:
            trial.status, trial.message = "FAILED", str(error)
            self.on_failed_trial(trial)

    def on_failed_trial(self, trial: Trial) -> None:
        """Called when a trial has failed for a reason of its own, `trial.message`."""


def draw_from(oracle: keras_tuner.oracles.BayesianOptimizationOracle, seed: list[int]) -> None:
    """Starts the random numbers anew that the oracle searches for the most promising settings with."""
    oracle._random_state = np.random.RandomState(seed)


def trials_of_hyperband(oracle: keras_tuner.oracles.HyperbandOracle) -> int:
    """How many trials Hyperband runs, all brackets and rounds together."""
    brackets = range(oracle._get_num_brackets())
    return sum(oracle._get_size(b, r) for b in brackets for r in range(oracle._get_num_rounds(b)))
