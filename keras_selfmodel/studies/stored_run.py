"""The network of a finished run, and the data it was trained on."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import RunResult, Task, find_task, read_run
from keras_selfmodel.experiments.folder_errors import DamagedRunError, MissingRunFileError
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.stages.fitting import load_model


@dataclass(frozen=True)
class StoredRun:
    """A finished run whose network is examined.

    Attributes:
        result: What it found.
    """

    result: RunResult

    @classmethod
    def at(cls, folder: str | Path) -> "StoredRun":
        """The run in a folder.

        Raises:
            RunFolderError: If there is no finished run there.
        """
        return cls(read_run(folder))

    @property
    def files(self) -> RunFolder:
        return RunFolder(self.result.folder)

    @cached_property
    def task(self) -> Task:
        """The task of its recipe.

        Raises:
            ValueError: If there is none of that name: a custom task that has not been read.
        """
        return find_task(self.result.recipe.task)

    def check_data(self, dataset: Dataset) -> None:
        """Makes sure that `dataset`, as loaded, is what the network was trained on.

        Raises:
            MissingRunFileError: If the file that says so is missing.
            ValueError: If it is not.
        """
        config = self.result.config
        if config is None:
            raise MissingRunFileError(
                self.files.path / "config.json", "it is not known what data the network was trained on."
            )
        if config.data.digest != dataset.digest:
            as_many = config.data.examples == len(dataset.y_train)
            number = "" if as_many else ", and as many samples (examples=…)"
            raise ValueError(
                f"{self.files.path} was trained on other data: {config.data}. Load the same data (data_dir=…){number}. "
                f"Received: {dataset.source} ({dataset.digest[:12]})."
            )

    @cached_property
    def model(self) -> keras.Model:
        """The network after training.

        Raises:
            RunFolderError: If the file is missing or damaged.
        """
        return load_model(self.files.model)

    @property
    def kept_epochs(self) -> tuple[int, ...]:
        """Epochs before the last after which the weights were kept."""
        return tuple(epoch for epoch in self.result.recipe.keep_epochs if epoch < self.result.recipe.epochs)

    def along_training(self) -> Iterator[tuple[int, keras.Model]]:
        """Epochs, and the network after them: the kept ones and the last.

        The network is the same object every time, with other weights, so that what is compiled for it stays.

        Raises:
            RunFolderError: If a file is missing or damaged.
        """
        last = self.model.get_weights()
        for epoch in self.kept_epochs:
            file = self.files.kept(epoch)
            if not file.exists():
                raise MissingRunFileError(file, f"the weights after epoch {epoch} are not known.")
            try:
                self.model.load_weights(file)
            except (ImportError, MemoryError):
                raise
            except Exception as error:
                raise DamagedRunError(file, f"it cannot be read as weights: {error}.") from error
            yield epoch, self.model
        self.model.set_weights(last)
        yield self.result.recipe.epochs, self.model

    def held_out_inputs(self, dataset: Dataset, samples: int | None = None) -> np.ndarray:
        """The test inputs as the network takes them.

        Args:
            dataset: The data as loaded.
            samples: Maximum number of samples, the first ones; `None` for all.

        Raises:
            ValueError: If the network was trained on other data.
        """
        self.check_data(dataset)
        return self.task.inputs(self.task.prepare(dataset).x_test[:samples])
