"""One run: train a network, measure it, write everything to a folder."""

from collections.abc import Sequence
from pathlib import Path

import keras

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.devices import ONE_DEVICE, Scope, shared_by
from keras_selfmodel.experiments.progress import Progress
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.stages.claiming import claim, finished_run
from keras_selfmodel.experiments.stages.concluding import conclude
from keras_selfmodel.experiments.stages.context import RunContext
from keras_selfmodel.experiments.stages.fitting import load_model, trained
from keras_selfmodel.experiments.stages.measuring import measured


def run(
    recipe: Recipe,
    dataset: Dataset,
    folder: str | Path,
    *,
    resume: bool = False,
    devices: int = 1,
    progress: Progress | None = None,
    seconds_between_checkpoints: float | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunResult:
    """Trains one network by a recipe, measures it and writes a run folder.

    Args:
        recipe: The settings; `TASKS["mnist"].recipe` holds the paper's.
        dataset: The data, as `keras_selfmodel.datasets.load` returns them.
        folder: Where the files go. Created if need be.
        resume: Whether to go on with an unfinished run in the folder, or to return the result of a finished
            one.
        devices: How many devices train the network, each on its part of every batch. One measures it.
        progress: Progress callbacks for epochs and SGLD steps.
        seconds_between_checkpoints: How much training an interruption may cost at most; `None` for 10.
        callbacks: Further Keras callbacks of the training, such as `keras.callbacks.TensorBoard`.

    Returns:
        A `RunResult`. The same settings, data and backend give the same measures, interrupted or not.

    Raises:
        FolderTakenError: If the folder holds a run with the same settings and `resume` is false.
        FolderBusyError: If another process is working in the folder.
        RunFolderError: If the folder holds a run with other settings, or a damaged file, or a run's files
            without the settings that made them.
        TrainingDivergedError: If the loss or a weight is not finite after an epoch.
        ValueError: If a setting does not fit the network or the data, such as an unknown target; if there are fewer
            devices, or a batch cannot be divided among them.
        NotImplementedError: If Keras has no training on several devices for the backend.
    """
    context = RunContext.of(
        recipe,
        dataset,
        folder,
        progress=progress,
        seconds_between_checkpoints=seconds_between_checkpoints,
        callbacks=callbacks,
    )
    # Before anything is written: settings that do not fit leave no folder behind.
    scope = shared_by(devices, context.task, recipe, context.dataset)
    with scope():
        model = compiled_model(context.task, recipe, context.dataset)
    # Before the lock, which needs a disk that can be written. `claim` looks again: another process may end meanwhile.
    if resume:
        finished = finished_run(context.config.recipe, context.dataset, context.files.path)
        if finished is not None:
            return finished
    with context.files.locked():
        finished = claim(context.files, context.config, resume=resume)
        return finished if finished is not None else _computed(context, model, scope)


def _computed(context: RunContext, model: keras.Model, scope: Scope) -> RunResult:
    with context.stopwatch.part("data"):
        trainer = context.task.trainer(context.recipe, context.dataset)
    with context.stopwatch.part("training"), scope():
        model = trained(context, model, trainer)
    if scope is not ONE_DEVICE:  # what several hold would be measured by each of them
        model = load_model(context.files.model)
    return conclude(context, model, measured(context, model, trainer))
