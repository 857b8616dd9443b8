"""keras-tuner's oracles, which propose the settings of the next trial, made to survive being killed at any time."""

import sys
import warnings

import keras_tuner

from keras_selfmodel._internals.keras_tuner import OracleOfWholeFiles, draw_from, trials_of_hyperband
from keras_selfmodel.experiments import RunFolderError
from keras_selfmodel.tuning.search_space import SearchSpace

SEARCHES = ("bayesian", "random", "hyperband")
"""Kinds of search, by keras-tuner."""
SCORE = keras_tuner.Objective("score", "max")
# Without a number of trials; that of Hyperband follows from the epochs.
TRIALS = 20


class _WholeFiles(OracleOfWholeFiles):
    """Goes on where a search was killed, whenever that was."""

    def reload(self) -> None:
        try:
            super().reload()
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise RunFolderError(
                f"{self.file}, or the trial.json of a trial, is damaged: {error}. Start the search again "
                "in another folder (folder=…)."
            ) from error
        self.forget_what_was_lost()
        for trial in self.start_order:
            if trial not in self.trials:
                raise RunFolderError(
                    f"{self.file} names a trial whose file is missing: trial_{trial}/trial.json. Start the search "
                    "again in another folder (folder=…)."
                )


class RandomOracle(_WholeFiles, keras_tuner.oracles.RandomSearchOracle):
    """Draws settings at random."""


class BayesianOracle(_WholeFiles, keras_tuner.oracles.BayesianOptimizationOracle):
    """Draws settings where a Gaussian process of the scores so far promises most."""

    def populate_space(self, trial_id: str) -> dict:
        # Its state does not hold this generator's, so an interrupted search would go on otherwise than another.
        draw_from(self, [self.seed, int(trial_id)])
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
        trials: Number of trials; with Hyperband, the maximum. `None`: 20; Hyperband chooses the number itself.
        seed: Seed of its random numbers.

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
    wanted = trials_of_hyperband(oracle)
    return min(wanted, oracle.max_trials or wanted)
