"""Who proposes the settings of the next trial: keras-tuner's oracles, made to survive being killed at any time."""

import sys
import warnings
from pathlib import Path

import keras_tuner
import numpy as np

from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.experiments import RunFolderError
from keras_selfmodel.tuning.search_space import SearchSpace

SEARCHES = ("bayesian", "random", "hyperband")
SCORE = keras_tuner.Objective("score", "max")
# Without a number of trials; that of Hyperband follows from the epochs.
TRIALS = 20


class _WholeFiles:
    """Writes the state of a keras-tuner oracle so that a reader never meets half of it."""

    def save(self) -> None:
        write_whole(Path(self._get_oracle_fname()), lambda part: super(keras_tuner.Oracle, self).save(str(part)))

    def _save_trial(self, trial) -> None:
        file = Path(self._get_trial_dir(trial.trial_id)) / "trial.json"
        write_whole(file, lambda part: trial.save(str(part)))

    def reload(self) -> None:
        try:
            super().reload()
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise RunFolderError(
                f"{self._get_oracle_fname()}, or the trial.json of a trial, is damaged: {error}. Start the search anew "
                "in another folder."
            ) from error
        # Killed between the file of a new trial and that of the oracle: the trial will be drawn again, the same.
        for unknown in set(self.trials) - set(self.start_order):
            del self.trials[unknown]
        # Killed between the end of a trial and the oracle's taking note that nobody is at work on it.
        self._retry_queue = [trial for trial in self._retry_queue if trial not in self.end_order]


class RandomOracle(_WholeFiles, keras_tuner.oracles.RandomSearchOracle):
    """Draws settings at random."""


class BayesianOracle(_WholeFiles, keras_tuner.oracles.BayesianOptimizationOracle):
    """Draws settings where a Gaussian process of the scores so far promises most."""

    def populate_space(self, trial_id: str) -> dict:
        # Its state does not hold this generator's, so an interrupted search would go on otherwise than another.
        self._random_state = np.random.RandomState([self.seed, int(trial_id)])
        with warnings.catch_warnings():
            # That the length scale of the process is at a bound, as it often is with few trials.
            warnings.filterwarnings("ignore", "The optimal value found for dimension", UserWarning)
            return super().populate_space(trial_id)


class HyperbandOracle(_WholeFiles, keras_tuner.oracles.HyperbandOracle):
    """Draws settings at random, trains for few epochs, and goes on with the best."""


def oracle_of(search: str, space: SearchSpace, trials: int | None, seed: int) -> keras_tuner.Oracle:
    """The oracle of a search.

    Args:
        search: One of `SEARCHES`.
        space: What is searched.
        trials: How many trials there are; of Hyperband at most. `None`: 20; of Hyperband all that it wants.
        seed: Of its random numbers.

    Raises:
        ValueError: If there is no such search.
    """
    common = {
        "objective": SCORE,
        "hyperparameters": space.hyperparameters(),
        "allow_new_entries": False,
        "seed": seed + 1,  # keras-tuner takes 0 for none.
        # It would end the search with an error that keeps its lock, so that a chief's workers wait for ever.
        "max_consecutive_failed_trials": sys.maxsize,
    }
    if search == "hyperband":
        oracle = HyperbandOracle(max_epochs=space.base.epochs, **common)
        oracle.max_trials = trials
    elif search == "random":
        oracle = RandomOracle(max_trials=trials or TRIALS, **common)
    elif search == "bayesian":
        # keras-tuner would start with three random trials for each setting searched.
        first = max(3, (trials or TRIALS) // 3)
        oracle = BayesianOracle(max_trials=trials or TRIALS, num_initial_points=first, **common)
    else:
        raise ValueError(f"search must be one of {', '.join(SEARCHES)}. Received: {search!r}")
    oracle.verbose = 0
    return oracle


def number_of_trials(oracle: keras_tuner.Oracle) -> int:
    """How many trials a search will have, unless its space is exhausted before."""
    if not isinstance(oracle, HyperbandOracle):
        return oracle.max_trials
    brackets = range(oracle._get_num_brackets())
    wanted = sum(oracle._get_size(b, r) for b in brackets for r in range(oracle._get_num_rounds(b)))
    return min(wanted, oracle.max_trials or wanted)
