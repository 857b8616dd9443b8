"""The third stage: a network is trained, or goes on where its training stopped."""

from pathlib import Path

import keras

from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.callbacks import PlayedBackSteps, WeightSpread
from keras_selfmodel.experiments.folder_errors import DamagedRunError, MissingRunFileError
from keras_selfmodel.experiments.stages.context import RunContext
from keras_selfmodel.experiments.training.trainer import Trainer
from keras_selfmodel.experiments.training.training_record import TrainingRecord, epochs_done
from keras_selfmodel.models.saved_model import UnreadableModelError, read_model


def trained(run: RunContext, model: keras.Model, trainer: Trainer) -> keras.Model:
    """Trains `model`, or continues from what the folder holds."""
    model, record = training_so_far(run, model)
    if not run.files.model.exists():
        run.progress.phase("training: the first steps are compiled")
        callbacks = [PlayedBackSteps(warn=False), WeightSpread(), record, *run.callbacks]
        trainer.fit(model, epochs=run.recipe.epochs, initial_epoch=len(record.rows), callbacks=callbacks)
        write_whole(run.files.model, model.save)
    return model


def training_so_far(run: RunContext, model: keras.Model) -> tuple[keras.Model, TrainingRecord]:
    """How far the training of a run has got, according to the files of its folder.

    Args:
        run: The run.
        model: The network before training.

    Returns:
        The network, and the record that goes on with the history.

    Raises:
        DamagedRunError: If a file is damaged.
    """
    files, recipe, done = run.files, run.recipe, 0
    if files.model.exists():
        model, done = load_model(files.model), recipe.epochs
    elif files.checkpoint.exists():
        model, done = load_model(files.checkpoint), epochs_done(files.checkpoint)
    history = files.read_history()[:done]
    if len(history) < done:
        raise DamagedRunError(files.history, f"it has {len(history)} epochs, but the network {done}.")
    if 0 in recipe.keep_epochs and not done:
        # Weights with the optimizer's state can be read back only if it has one.
        model.optimizer.build(model.trainable_variables)
        write_whole(files.kept(0), model.save_weights)
    if done:
        run.progress.epoch(done, recipe.epochs, history[-1])
    return model, TrainingRecord(
        files,
        history,
        keep_epochs=[epoch for epoch in recipe.keep_epochs if epoch < recipe.epochs],
        seconds_between_checkpoints=run.seconds_between_checkpoints,
        on_epoch=lambda epoch, row: run.progress.epoch(epoch, recipe.epochs, row),
    )


def load_model(file: Path) -> keras.Model:
    """The network of a run's file.

    Raises:
        MissingRunFileError: If the file is missing.
        DamagedRunError: If it is damaged.
    """
    if not file.exists():
        raise MissingRunFileError(file, "the run has no trained network.")
    try:
        return read_model(file)
    except UnreadableModelError as error:
        raise DamagedRunError(file, f"it cannot be read as a network: {error}.") from error
