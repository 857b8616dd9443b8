"""The CIFAR-10 experiment, with the settings that produced the paper's figures."""

from typing import TYPE_CHECKING

import numpy as np

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.datasets.scaling import scaled
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.task import Task, trainer_of_arrays
from keras_selfmodel.experiments.training.augmentation import Augmentation
from keras_selfmodel.rlct import SamplingSettings

if TYPE_CHECKING:
    import keras


def _inputs(images: np.ndarray) -> np.ndarray:
    """x/127.5 − 1: `(n, 32, 32, 3)` uint8 to float32 in −1 … 1."""
    return scaled(images, "symmetric")


def _network(recipe: Recipe, dataset: Dataset) -> "keras.Model":
    from keras_selfmodel.models import resnet18

    return resnet18(
        recipe.hidden,
        image=dataset.x_train.shape[1:],
        classes=dataset.num_classes,
        batch_norm=recipe.batch_norm is not False,
        seed=recipe.seed,
    )


def _optimizer(recipe: Recipe) -> "keras.optimizers.Optimizer":
    import keras

    # PyTorch's ε; Keras's default is ten times as large.
    return keras.optimizers.Adam(recipe.learning_rate, epsilon=1e-8)


CIFAR10 = Task(
    recipe=Recipe(
        task="cifar10",
        hidden=2000,
        aux_weight=1.0,
        targets=("last_block", "hidden"),
        epochs=250,
        batch_size=64,
        learning_rate=1e-4,
        momentum=0.0,
        seed=1,
        batch_norm=True,
        # The paper samples 400 steps of 4 chains and averages the second half of them.
        rlct=SamplingSettings(
            convention="paper",
            sampler="sgld",
            step_size=1e-4,
            localization=100.0,
            num_chains=4,
            num_draws=200,
            burn_in=200,
            batch_size=64,
        ),
    ),
    inputs=_inputs,
    network=_network,
    optimizer=_optimizer,
    trainer=trainer_of_arrays(_inputs, Augmentation(degrees=15.0, translation=0.1, flip=True)),
)
