"""keras-tuner's search loop, with a run of an experiment as the trial."""

import dataclasses
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras_tuner

from keras_selfmodel._internals.keras_tuner import OracleOfWholeFiles, Trial, TunerThatStops
from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import Progress, Recipe, RunResult
from keras_selfmodel.experiments.run_config import RunConfig
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.stages.claiming import claim, finished_run
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.performing import failed, perform
from keras_selfmodel.experiments.training.training_record import note_epochs
from keras_selfmodel.tuning.oracles import SCORE
from keras_selfmodel.tuning.score import Score
from keras_selfmodel.tuning.search_space import SearchSpace

# Before each request for a trial: a worker that waits for others would ask thousands of times a second.
SECONDS_BETWEEN_REQUESTS = 0.1


class TrialTuner(TunerThatStops):
    """Runs the trials that an oracle proposes, each in the run folder `trial_NUMBER`.

    With KERASTUNER_ORACLE_IP set, the process whose KERASTUNER_TUNER_ID contains "chief" serves the oracle to the
    others, which run the trials.

    Args:
        oracle: See `oracle_of`.
        space: What is searched.
        dataset: The data, with validation data in place of test data.
        score: What is maximized.
        folder: Folder of the search.
        progress: Called with a trial's name; returns the progress callbacks of its run.
        ended: Called with a trial's name, and its result or the reason why there is none.
    """

    def __init__(
        self,
        oracle: OracleOfWholeFiles,
        space: SearchSpace,
        dataset: Dataset,
        *,
        score: Score,
        folder: Path,
        progress: Callable[[str], Progress],
        ended: Callable[[str, RunResult | str], None],
    ) -> None:
        self._space = space
        self._dataset = dataset
        self.score = score
        self.folder = folder
        self._progress = progress
        self._ended = ended
        super().__init__(oracle, directory=str(folder.parent), project_name=folder.name)
        if not is_worker() and oracle.file.exists():
            oracle.reload()

    def save(self) -> None:
        """Saves the oracle: there is no other state, and a file of this class would be torn by a kill."""
        if not is_worker():
            self.oracle.save()

    def pre_create_trial(self) -> None:
        time.sleep(SECONDS_BETWEEN_REQUESTS)

    def folder_of(self, trial_id: str) -> RunFolder:
        """The run folder of a trial."""
        return RunFolder(Path(self.get_trial_dir(trial_id)))

    def recipe_of(self, trial: Trial) -> Recipe:
        """The settings of a trial, with the epochs that Hyperband chose."""
        values = trial.hyperparameters.values
        recipe = self._space.recipe(values)
        return dataclasses.replace(recipe, epochs=values.get("tuner/epochs", recipe.epochs))

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Trains and measures one network, as `experiments.run` does.

        Returns:
            Its score, and what it was made of.

        Raises:
            keras_tuner.errors.FailedTrialError: If the run failed for a reason of its own, or has no score.
        """
        recipe, files = self.recipe_of(trial), self.folder_of(trial.trial_id)
        earlier = trial.hyperparameters.values.get("tuner/trial_id")
        if earlier:
            go_on_from(self.folder_of(earlier), files, recipe, self._dataset)
        job = Job(recipe, files.path)
        outcome = perform(job, self._dataset, self._progress(files.path.name))
        if outcome.state == "busy":
            raise keras_tuner.errors.FatalRuntimeError(f"{files.path}: another process is working on this trial.")
        if outcome.state == "failed":
            raise keras_tuner.errors.FailedTrialError(outcome.reason)
        result = finished_run(recipe, self._dataset, files.path)
        if result is None:
            raise keras_tuner.errors.FatalRuntimeError(
                f"{files.path}: the run ended, but its measures are no longer there. Start the search again."
            )
        value = self.score.of(result)
        if value is None:
            reason = failed(job, self.score.missing(result)).reason
            raise keras_tuner.errors.FailedTrialError(reason)
        self._ended(files.path.name, result)
        measures = {"accuracy": result.accuracy, "weight_spread": result.weight_spread, "rlct": result.number("rlct")}
        return {SCORE.name: value, **{name: value for name, value in measures.items() if value is not None}}

    def on_failed_trial(self, trial: Trial) -> None:
        self._ended(self.folder_of(trial.trial_id).path.name, trial.message)


def go_on_from(earlier: RunFolder, files: RunFolder, recipe: Recipe, dataset: Dataset) -> None:
    """Lets a run start where a shorter one with the same settings ended: it ends as if it had trained all the way.

    Args:
        earlier: Folder of the finished run.
        files: Folder of the longer run; left alone if that has got farther.
        recipe: The longer run's settings.
        dataset: The data of both.
    """
    with files.locked():
        if claim(files, RunConfig.of(recipe, dataset), resume=True) is None and not (
            files.model.exists() or files.checkpoint.exists()
        ):
            history = earlier.read_history()
            files.write_history(history)
            write_whole(files.checkpoint, partial(_copy, earlier.model, epochs=len(history)))


def _copy(model: Path, checkpoint: Path, *, epochs: int) -> None:
    shutil.copyfile(model, checkpoint)
    note_epochs(checkpoint, epochs)


def is_worker() -> bool:
    """Whether this process runs trials that a chief in another process hands out."""
    return "KERASTUNER_ORACLE_IP" in os.environ and "chief" not in os.environ.get("KERASTUNER_TUNER_ID", "")
