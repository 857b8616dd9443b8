"""One run: train a network, measure it, write it all down."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.callbacks import WeightSpread
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.devices import ONE_DEVICE, Scope, shared_by
from keras_selfmodel.experiments.objectives import Subject, find_objective
from keras_selfmodel.experiments.paper import paper_figures
from keras_selfmodel.experiments.provenance import provenance
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.rlct_problems import rlct_problem
from keras_selfmodel.experiments.run_figures import run_figures
from keras_selfmodel.experiments.run_folder import FolderTakenError, RunFolder, RunFolderError
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import read_run
from keras_selfmodel.experiments.tasks import find_task
from keras_selfmodel.experiments.training.trainer import Trainer
from keras_selfmodel.experiments.training.training_record import TrainingRecord, epochs_done
from keras_selfmodel.metrics import weight_spread
from keras_selfmodel.models.precision import building_in, computes_in
from keras_selfmodel.rlct import RLCTEstimate


@dataclass(frozen=True)
class Progress:
    """What a run tells while it works; each hook may be replaced.

    Attributes:
        epoch: Called with (epochs done, epochs in all, the row of the history).
        sampling: Called with (steps done, steps in all).
        descended: The same of the second sampling, after descent.
    """

    epoch: Callable[[int, int, dict[str, float]], None] = lambda *_: None
    sampling: Callable[[int, int], None] = lambda *_: None
    descended: Callable[[int, int], None] = lambda *_: None


@dataclass
class Stopwatch:
    """Wall time of each part, kept in the folder, so that a resumed run adds to that of the one before."""

    files: RunFolder
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, files: RunFolder) -> "Stopwatch":
        """That of a run, with what its parts took so far."""
        return cls(files, files.read_json("seconds.json") if "seconds.json" in files.results else {})

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.files.write_json("seconds.json", self.seconds)


def run(
    recipe: Recipe,
    dataset: Dataset,
    folder: str | Path,
    *,
    resume: bool = False,
    devices: int = 1,
    progress: Progress | None = None,
    seconds_between_checkpoints: float = 10.0,
) -> RunResult:
    """Trains one network by a recipe, measures it and writes a run folder.

    Args:
        recipe: The settings; `TASKS["mnist"].recipe` holds the paper's.
        dataset: The data, as `keras_selfmodel.datasets.load` returns them.
        folder: Where the files go. Created if need be.
        resume: Whether to go on with an unfinished run in the folder, or to return the result of a finished
            one.
        devices: How many devices train the network, each on its part of every batch. One measures it.
        progress: Hooks that are told about epochs and SGLD steps.
        seconds_between_checkpoints: How much training an interruption may cost at most.

    Returns:
        A `RunResult`. The same settings, data and backend give the same measures, interrupted or not.

    Raises:
        FolderTakenError: If the folder holds a run with the same settings and `resume` is false.
        FolderBusyError: If another process is at work in the folder.
        RunFolderError: If the folder holds a run with other settings, or a damaged file, or a run's files
            without the settings that made them.
        TrainingDivergedError: If the loss is not finite after an epoch.
        ValueError: If a setting does not fit the network or the data, such as an unknown target; if there are fewer
            devices, or a batch cannot be divided among them.
        NotImplementedError: If Keras has no training on several devices for the backend.
    """
    progress = progress or Progress()
    files = RunFolder(Path(folder))
    config = config_of(recipe, dataset)
    dataset = find_task(recipe.task).prepare(dataset)
    # Before anything is written: settings that do not fit leave no folder behind.
    scope = shared_by(devices, recipe, dataset)
    with scope():
        model = compiled_model(recipe, dataset)
    with files.locked():
        finished = claim(files, config, resume)
        if finished is not None:
            return finished
        return _run(model, recipe, dataset, files, scope, progress, seconds_between_checkpoints)


def _run(
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    files: RunFolder,
    scope: Scope,
    progress: Progress,
    seconds_between_checkpoints: float,
) -> RunResult:
    stopwatch = Stopwatch.of(files)
    with stopwatch.part("data"):
        trainer = find_task(recipe.task).trainer(recipe, dataset)
    with stopwatch.part("training"), scope():
        model = _trained(model, recipe, trainer, files, progress, seconds_between_checkpoints)
    if scope is not ONE_DEVICE:  # what several hold would be measured by each of them
        model = load_model(files.model)
    with stopwatch.part("measuring"):
        measured = trainer.evaluate(model)
    estimate = descended = None
    if recipe.rlct is not None:
        with stopwatch.part("RLCT"):
            problem = rlct_problem(recipe, model, trainer.training_samples())
            checkpoint = files.sampling("trained")
            estimate = problem.estimate(recipe.rlct, checkpoint=checkpoint, progress=progress.sampling)
        with stopwatch.part("RLCT after descent"):
            checkpoint = files.sampling("descend")
            descended = problem.estimate(
                recipe.rlct, anchor="descend", checkpoint=checkpoint, progress=progress.descended
            )
    return conclude(model, recipe, dataset, files, stopwatch, measured, estimate, descended)


def conclude(
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    files: RunFolder,
    stopwatch: Stopwatch,
    measured: dict[str, float],
    estimate: RLCTEstimate | None,
    descended: RLCTEstimate | None,
) -> RunResult:
    """Writes down what was measured of a trained network: the end of every run.

    Args:
        model: The network.
        recipe: The run's settings.
        dataset: The data it was trained on, prepared.
        files: The run's folder, which is locked.
        stopwatch: What its parts took.
        measured: What its trainer evaluated.
        estimate, descended: Its RLCT, and that after descent.
    """
    spread = weight_spread(model)
    if estimate is not None:
        _write_traces(files, estimate)
    with stopwatch.part("figures"):
        for name, figure in run_figures(files.read_history(), classifier_of(model), estimate).items():
            write_whole(files.figures / f"{name}.png", partial(figure.savefig, dpi=150))

    result = RunResult(
        recipe=recipe,
        accuracy=measured["accuracy"],
        weight_spread=spread.standard_deviation,
        weight_interquartile_range=spread.interquartile_range,
        weight_excess_kurtosis=spread.excess_kurtosis,
        self_prediction_r2=measured.get("self_prediction_r2"),
        self_prediction_loss=measured.get("self_prediction_loss"),
        rlct=None if estimate is None else estimate.value,
        rlct_std_error=None if estimate is None else estimate.std_error,
        rlct_warnings=() if estimate is None else estimate.warnings,
        rlct_descended=None if descended is None else descended.value,
        rlct_descended_std_error=None if descended is None else descended.std_error,
        inverse_temperature=None if estimate is None else estimate.inverse_temperature,
        data_source=dataset.source,
        is_subset=dataset.is_subset,
        backend=keras.config.backend(),
        paper=None if dataset.is_subset else paper_figures(recipe),
        seconds=stopwatch.seconds,
        folder=files.path,
    )
    # Last of all: this file says that the run is finished.
    files.write_json("metrics.json", result.metrics())
    files.tidy()
    return result


def finished_run(recipe: Recipe, dataset: Dataset, folder: str | Path) -> RunResult | None:
    """The result of the finished run in a folder, or `None` if there is none; nothing is computed.

    Args:
        recipe: The settings it has to have.
        dataset: The data it has to have been trained on.
        folder: Where it may be.

    Raises:
        RunFolderError: If the folder holds a run with other settings, or a damaged file.
    """
    files = RunFolder(Path(folder))
    return claim(files, config_of(recipe, dataset), resume=True) if files.started and files.finished else None


def config_of(recipe: Recipe, dataset: Dataset) -> dict:
    """What is written down of a run before it starts."""
    return {
        "recipe": recipe.to_dict(),
        "data": {"name": dataset.name, "source": dataset.source, "digest": dataset.digest},
        "provenance": provenance(),
    }


def claim(files: RunFolder, config: dict, resume: bool) -> RunResult | None:
    """Makes sure that the folder is free or holds the same run; returns the result of a finished one."""
    if not files.started:
        if files.results:
            raise RunFolderError(
                f"{files.path} holds {', '.join(files.results)}, but no config.json that says which settings "
                "made them. Choose another folder."
            )
        files.write_json("config.json", config)
        return None
    differences = _differences(files, config)
    if differences:
        raise RunFolderError(
            f"{files.path} holds a run with other settings: {'; '.join(differences)}. Choose another folder."
        )
    if not resume:
        raise FolderTakenError(files.path, finished=files.finished)
    if not files.finished:
        return None
    files.tidy()
    return read_run(files.path)


def _differences(files: RunFolder, config: dict) -> list[str]:
    """What decides the numbers and differs between the run in the folder and the one asked for, in words."""
    old, new = files.read_json("config.json"), config
    try:
        there, here = _decisive(old), _decisive(new)
        old_data, new_data = (f"{c['data']['source']} ({c['data']['digest'][:12]})" for c in (old, new))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunFolderError(
            f"{files.path / 'config.json'} is damaged ({type(error).__name__}: {error}). "
            "Start the run anew in another folder."
        ) from error
    words = [
        f"{name}: {there[name]} there, {here[name]} here"
        for name in here
        if name in there and there[name] != here[name]
    ]
    if old["data"]["digest"] != new["data"]["digest"]:
        words.append(f"data: {old_data} there, {new_data} here")
    return words


def _decisive(config: dict) -> dict:
    recipe = {"precision": "float32", **Recipe.from_dict(config["recipe"]).to_dict()}
    rlct = recipe.pop("rlct") or {}
    return {
        **recipe,
        "keep_epochs": recipe.get("keep_epochs", "none"),
        "rlct": "measured" if rlct else "left out",
        **{f"rlct.{name}": value for name, value in rlct.items()},
        "backend": config["provenance"]["backend"],
    }


def compiled_model(recipe: Recipe, dataset: Dataset) -> keras.Model:
    """The network of a run before training, wrapped by its objective if the auxiliary weight is not 0."""
    task = find_task(recipe.task)
    task.check(recipe)
    if recipe.rlct is not None and recipe.rlct.batch_size > len(dataset.y_train):
        raise ValueError(
            f"batch_size of the RLCT estimation must be at most the number of training samples. Received: "
            f"batch_size={recipe.rlct.batch_size} with {len(dataset.y_train)} samples"
        )
    with building_in(recipe.precision):
        classifier = task.network(recipe, dataset)
        if not computes_in(classifier, recipe.precision):
            raise ValueError(
                f"No layer of the network computes in {recipe.precision}, because each has another dtype of its own. "
                "Leave the dtypes out of the network, or take the precision that it was built with."
            )
        model = classifier
        if recipe.aux_weight > 0:
            subject = Subject(
                classifier,
                recipe.targets,
                recipe.aux_weight,
                recipe.seed,
                network=lambda seed: task.network(replace(recipe, seed=seed), dataset),
            )
            model = find_objective(recipe.objective).model(subject)
    model.compile(
        task.optimizer(recipe),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        # Replicas take one step at a time: TensorFlow fails at several in one call.
        **(transforms.COMPILE_OPTIONS if transforms.replicas() == 1 else {}),
    )
    return model


def _trained(
    model: keras.Model,
    recipe: Recipe,
    trainer: Trainer,
    files: RunFolder,
    progress: Progress,
    seconds_between_checkpoints: float,
) -> keras.Model:
    """Trains `model`, or goes on where the files of the folder say that it stands."""
    model, record = training_so_far(
        model, recipe, trainer.steps_per_epoch, files, progress.epoch, seconds_between_checkpoints
    )
    if not files.model.exists():
        trainer.fit(model, epochs=recipe.epochs, initial_epoch=len(record.rows), callbacks=[WeightSpread(), record])
        write_whole(files.model, model.save)
    return model


def training_so_far(
    model: keras.Model,
    recipe: Recipe,
    steps_per_epoch: int,
    files: RunFolder,
    on_epoch: Callable[[int, int, dict[str, float]], None],
    seconds_between_checkpoints: float,
) -> tuple[keras.Model, TrainingRecord]:
    """Where the files of a run's folder say that its training stands.

    Args:
        model: The network before training.
        recipe: The run's settings.
        steps_per_epoch: Batches of an epoch.
        files: The run's folder.
        on_epoch: The hook `Progress.epoch`.
        seconds_between_checkpoints: As for `run`.

    Returns:
        The network, and the record that goes on with the history.
    """
    done = 0
    if files.model.exists():
        model, done = load_model(files.model), recipe.epochs
    elif files.checkpoint.exists():
        model = load_model(files.checkpoint)
        done = epochs_done(files.checkpoint, model, steps_per_epoch)
    history = files.read_history()[:done]
    if len(history) < done:
        raise RunFolderError(
            f"{files.history} has {len(history)} epochs, but the network {done}. Start the run anew in another folder."
        )
    if 0 in recipe.keep_epochs and not done:
        # Weights with the optimizer's state can be read back only if it has one.
        model.optimizer.build(model.trainable_variables)
        write_whole(files.kept(0), model.save_weights)
    if done:
        on_epoch(done, recipe.epochs, history[-1])
    return model, TrainingRecord(
        files,
        history,
        keep_epochs=[epoch for epoch in recipe.keep_epochs if epoch < recipe.epochs],
        seconds_between_checkpoints=seconds_between_checkpoints,
        on_epoch=lambda epoch, row: on_epoch(epoch, recipe.epochs, row),
    )


def load_model(file: Path) -> keras.Model:
    """The network of a run's file.

    Raises:
        RunFolderError: If the file is damaged.
    """
    try:
        return keras.models.load_model(file)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # zipfile, h5py, json and Keras each have their own for a damaged file
        raise RunFolderError(f"{file} cannot be read: {error}. Start the run anew in another folder.") from error


def _write_traces(files: RunFolder, estimate: RLCTEstimate) -> None:
    def save(file: Path) -> None:
        np.savez_compressed(
            file,
            losses=estimate.losses,
            reference_losses=estimate.reference_losses,
            heat=estimate.heat,
            step_sizes=estimate.step_sizes,
            initial_loss=estimate.initial_loss,
            inverse_temperature=estimate.inverse_temperature,
        )

    write_whole(files.traces, save)
