"""Where the data of a sweep come from, so that other processes load the same."""

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from keras_selfmodel import datasets
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.custom.recipe_file import read_recipe_file
from keras_selfmodel.experiments.tasks import add_task, custom_task


@dataclass(frozen=True)
class DataOrigin:
    """What a process needs to load the data of a sweep again.

    Attributes:
        name: Name of the data set.
        recipe_file: The recipe file of the custom task of this name; `None` for a task of the paper.
        data_dir: Folder of TFDS data; `None` for TFDS_DATA_DIR or the usual one.
        source: Origin of the data as this process names it; all runs record the same.
        digest: Digest that the data must have.
        examples: Number of training examples that the sweep uses.
    """

    name: str
    recipe_file: str | None
    data_dir: str | None
    source: str
    digest: str
    examples: int

    @classmethod
    def of(cls, dataset: Dataset, data_dir: str | os.PathLike | None) -> "DataOrigin":
        """The origin of data that this process has loaded, with whole paths."""
        custom = custom_task(dataset.name)
        return cls(
            dataset.name,
            None if custom is None else str(Path(custom.file).resolve()),
            None if data_dir is None else str(Path(data_dir).resolve()),
            dataset.source,
            dataset.digest,
            len(dataset.y_train),
        )

    def load(self) -> Dataset:
        """Loads the data, and registers the task in this process if it is a custom one.

        Raises:
            RuntimeError: If they differ from the sweep's data.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the sweep has loaded the same data, and shown them
            if self.recipe_file is None:
                dataset = datasets.load(self.name, self.data_dir, download=False)
            else:
                dataset = add_task(read_recipe_file(self.recipe_file)).load(self.data_dir)
        dataset = datasets.limited(dataset, self.examples)
        if dataset.digest != self.digest:
            raise RuntimeError(
                f"{dataset.source} changed while the sweep was running, or differs from the sweep's data."
            )
        return replace(dataset, source=self.source)
