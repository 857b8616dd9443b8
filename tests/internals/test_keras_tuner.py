"""What `_internals.keras_tuner` relies on."""

import json

import keras_tuner
import pytest

from keras_selfmodel._internals.keras_tuner import (
    OracleOfWholeFiles,
    TunerThatStops,
    draw_from,
    trials_of_hyperband,
)
from tests.internals.contract import contract

OBJECTIVE = keras_tuner.Objective("score", "max")


class Random(OracleOfWholeFiles, keras_tuner.oracles.RandomSearchOracle):
    pass


class Bayesian(OracleOfWholeFiles, keras_tuner.oracles.BayesianOptimizationOracle):
    pass


class Tuner(TunerThatStops):
    """Its first trial fails, and its third is met by a full disk."""

    failed = ""

    def run_trial(self, trial, *args, **kwargs):
        number = int(trial.trial_id)
        if number == 0:
            raise keras_tuner.errors.FailedTrialError("by itself")
        if number == 2:
            raise OSError("disk full")
        return {"score": float(number)}

    def on_failed_trial(self, trial):
        self.failed += trial.message


def space() -> keras_tuner.HyperParameters:
    parameters = keras_tuner.HyperParameters()
    parameters.Float("x", 0.0, 1.0)
    return parameters


def test_a_search_ends_with_an_unexpected_error_and_goes_on_after_a_failed_trial(tmp_path):
    promise = "BaseTuner.search runs a trial by _try_run_and_update_trial, and an oracle's files are where it says"
    with contract("keras-tuner", "keras_tuner.py", promise):
        oracle = Random(objective=OBJECTIVE, max_trials=5, hyperparameters=space(), seed=1)
        oracle.verbose = 0
        tuner = Tuner(oracle, directory=str(tmp_path), project_name="search")
        with pytest.raises(OSError, match="disk full"):
            tuner.search()
        assert tuner.failed == "by itself"
        statuses = [
            json.loads((tmp_path / f"search/trial_{number}/trial.json").read_text())["status"] for number in (0, 1)
        ]
        assert statuses == ["FAILED", "COMPLETED"]
        assert oracle.file == tmp_path / "search" / "oracle.json" and oracle.file.exists()


def test_a_trial_that_is_not_in_the_file_of_its_oracle_is_forgotten(tmp_path):
    with contract("keras-tuner", "keras_tuner.py", "an oracle lists its trials, those to retry in _retry_queue"):
        oracle = Random(objective=OBJECTIVE, max_trials=5, hyperparameters=space(), seed=1)
        Tuner(oracle, directory=str(tmp_path), project_name="search")
        known, unknown = (oracle.create_trial(worker) for worker in ("one", "two"))
        oracle.start_order.remove(unknown.trial_id)
        assert oracle._retry_queue == []
        oracle._retry_queue = ["7", "8"]
        oracle.end_order.append("7")
        oracle.forget_what_was_lost()
        assert list(oracle.trials) == [known.trial_id] and oracle._retry_queue == ["8"]


def test_a_bayesian_search_draws_from_the_seed_it_is_given():
    with contract("keras-tuner", "keras_tuner.py", "BayesianOptimizationOracle draws from _random_state"):
        oracle = Bayesian(objective=OBJECTIVE, max_trials=9, hyperparameters=space(), seed=1)
        assert hasattr(oracle, "_random_state")
        drawn = []
        for seed in ([1, 2], [1, 2], [1, 3]):
            draw_from(oracle, seed)
            drawn.append(oracle._random_state.uniform())
        assert drawn[0] == drawn[1] != drawn[2]


def test_hyperband_says_how_many_trials_it_runs():
    with contract("keras-tuner", "keras_tuner.py", "HyperbandOracle has brackets of rounds of _get_size trials"):
        oracle = keras_tuner.oracles.HyperbandOracle(OBJECTIVE, max_epochs=9, factor=3, hyperparameters=space())
        # Brackets that start with 1, 3 and 9 epochs: 9 + 3 + 1, 5 + 2 and 3 trials (Li and others 2018, Algorithm 1).
        assert trials_of_hyperband(oracle) == 13 + 7 + 3
