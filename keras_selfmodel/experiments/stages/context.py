"""What the stages of one run share."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras

from keras_selfmodel.datasets import Dataset, disturbed
from keras_selfmodel.experiments.progress import Progress
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.run_config import RunConfig
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.seconds import SECONDS, Seconds
from keras_selfmodel.experiments.task import Task
from keras_selfmodel.experiments.tasks import find_task

SECONDS_BETWEEN_CHECKPOINTS = 10.0


@dataclass
class Stopwatch:
    """Wall time of each part, kept in the folder, so that a resumed run adds to that of the one before."""

    files: RunFolder
    seconds: dict[str, float]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.files.write("seconds.json", SECONDS, Seconds(self.seconds))


@dataclass(frozen=True)
class RunContext:
    """One run: what it is and where it happens.

    Attributes:
        recipe: Its settings.
        task: Its task.
        dataset: Its data as the task prepared them, with the noise of the recipe.
        config: What is written down before it starts.
        files: Its folder.
        progress: Progress callbacks.
        seconds_between_checkpoints: How much training an interruption may cost at most.
        callbacks: Further Keras callbacks of the training.
    """

    recipe: Recipe
    task: Task
    dataset: Dataset
    config: RunConfig
    files: RunFolder
    progress: Progress
    seconds_between_checkpoints: float
    callbacks: tuple[keras.callbacks.Callback, ...]

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        loaded: Dataset,
        folder: str | Path,
        *,
        prepared: Dataset | None = None,
        progress: Progress | None = None,
        seconds_between_checkpoints: float | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> "RunContext":
        """The run of a recipe.

        Args:
            recipe: The settings.
            loaded: The data as loaded.
            folder: The run folder.
            prepared: The data as the task prepares them, where that is done already.
            progress: Progress callbacks; `None` for none.
            seconds_between_checkpoints: How much training an interruption may cost at most; `None` for 10.
            callbacks: Further Keras callbacks of the training.

        Raises:
            ValueError: If the task is unknown, or its data cannot have the noise of the recipe.
        """
        task = find_task(recipe.task)
        prepared = task.prepare(loaded) if prepared is None else prepared
        prepared = disturbed(prepared, label_noise=recipe.label_noise, input_noise=recipe.input_noise, seed=recipe.seed)
        return cls(
            recipe=recipe,
            task=task,
            dataset=prepared,
            config=RunConfig.of(recipe, loaded),
            files=RunFolder(Path(folder)),
            progress=progress or Progress(),
            seconds_between_checkpoints=(
                SECONDS_BETWEEN_CHECKPOINTS if seconds_between_checkpoints is None else seconds_between_checkpoints
            ),
            callbacks=tuple(callbacks),
        )

    @cached_property
    def stopwatch(self) -> Stopwatch:
        """What the parts took so far; to be asked for once the folder is locked."""
        return Stopwatch(self.files, self.files.seconds())
