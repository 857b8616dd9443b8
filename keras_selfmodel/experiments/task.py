"""What distinguishes one experiment from another."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.recipe import Recipe


@dataclass(frozen=True)
class Task:
    """One experiment of the paper.

    Attributes:
        recipe: The paper's settings.
        inputs: Turns raw inputs of the data set into what the network takes.
        network: Builds the classifier of a recipe.
        optimizer: Builds the optimizer of a recipe.
    """

    recipe: Recipe
    inputs: Callable[[np.ndarray], np.ndarray]
    network: Callable[[Recipe, Dataset], keras.Model]
    optimizer: Callable[[Recipe], keras.optimizers.Optimizer]
