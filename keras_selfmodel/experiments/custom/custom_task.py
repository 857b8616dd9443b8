"""A user's data and network as a task."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.datasets.scaling import scaled
from keras_selfmodel.experiments.custom.custom_data import CustomData
from keras_selfmodel.experiments.custom.custom_network import CustomNetwork
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.task import Task, trainer_of_arrays

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class CustomTask(Task):
    """The task that a recipe file describes.

    Attributes:
        file: The recipe file.
        data: Its data.
        sources: The files that it names, and the folders whose files are all its data: what it cannot be without.
        takes_hidden: Whether its network can have other numbers of hidden units than its recipe says.
    """

    file: Path
    data: CustomData
    sources: tuple[Path, ...]
    takes_hidden: bool

    @classmethod
    def of(cls, file: Path, recipe: Recipe, data: CustomData, network: CustomNetwork) -> "CustomTask":
        inputs = partial(scaled, scaling=data.scaling)
        return cls(
            file=file,
            data=data,
            sources=(file, *data.sources, *network.sources),
            takes_hidden=network.takes_hidden,
            recipe=recipe,
            inputs=inputs,
            network=network.network,
            optimizer=_optimizer,
            trainer=trainer_of_arrays(inputs),
            prepare=network.prepare,
            together=True,
        )

    def load(self, data_dir: str | os.PathLike | None = None) -> Dataset:
        """Reads the data; see `CustomData.load`."""
        return self.data.load(data_dir)


def _optimizer(recipe: Recipe) -> "keras.optimizers.Optimizer":
    import keras

    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(recipe.learning_rate)
    return keras.optimizers.SGD(recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0)
