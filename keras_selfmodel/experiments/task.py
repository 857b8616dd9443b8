"""A task: what distinguishes one experiment from another."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.training.augmentation import Augmentation

if TYPE_CHECKING:  # A task is known without what computes it: which of its runs are finished is found without Keras.
    import keras

    from keras_selfmodel.experiments.training.trainer import Trainer


def _as_it_is(dataset: Dataset) -> Dataset:
    return dataset


@dataclass(frozen=True)
class Task:
    """One experiment: of the paper, or a custom one.

    Attributes:
        recipe: Its settings: the paper's, or those of the user's file.
        inputs: Turns inputs of the data set, once prepared, into what the network takes.
        network: Builds the classifier of a recipe.
        optimizer: Builds the optimizer of a recipe.
        trainer: Takes the data of a run.
        prepare: Prepares the whole data set first, such as by building a vocabulary. `network` and `trainer` are
            given what it returns.
        together: Whether the networks of many runs can be trained by one program (`NetworksTogether`): their trainer
            feeds `inputs` of the training data as they are.
        without: Names of objectives that its trainer cannot train.
        by_fit: Whether Keras's `fit` trains the networks, which can do so in mixed precision and on several devices.
    """

    recipe: Recipe
    inputs: Callable[[np.ndarray], np.ndarray]
    network: Callable[[Recipe, Dataset], "keras.Model"]
    optimizer: Callable[[Recipe], "keras.optimizers.Optimizer"]
    trainer: Callable[[Recipe, Dataset], "Trainer"]
    prepare: Callable[[Dataset], Dataset] = _as_it_is
    together: bool = False
    by_fit: bool = True
    without: tuple[str, ...] = ()

    def check(self, recipe: Recipe) -> None:
        """Makes sure that a recipe's objective and precision are such that the task's trainer can train them.

        Raises:
            ValueError: If it is not.
        """
        if recipe.objective in self.without:
            raise ValueError(
                f"Networks of {recipe.task} cannot be trained with objective={recipe.objective!r}. Impossible for "
                "this task: "
                f"{', '.join(self.without)}."
            )
        if recipe.batch_norm is not None and self.recipe.batch_norm is None:
            raise ValueError(
                f"Networks of {recipe.task} have no switch for batch normalization. Received: "
                f"batch_norm={recipe.batch_norm}"
            )
        if recipe.precision != "float32" and not self.by_fit:
            raise ValueError(
                f"Networks of {recipe.task} can only be trained in float32. Received: precision={recipe.precision!r}"
            )


def trainer_of_arrays(
    inputs: Callable[[np.ndarray], np.ndarray], augmentation: Augmentation | None = None
) -> Callable[[Recipe, Dataset], "Trainer"]:
    """The `trainer` of a task whose samples are all of one shape; see `ArrayTrainer`."""
    return partial(_array_trainer, inputs=inputs, augmentation=augmentation)


def _array_trainer(
    recipe: Recipe,
    dataset: Dataset,
    inputs: Callable[[np.ndarray], np.ndarray],
    augmentation: Augmentation | None,
) -> "Trainer":
    from keras_selfmodel.experiments.training.array_trainer import ArrayTrainer

    return ArrayTrainer(recipe, dataset, inputs, augmentation)
