"""The MNIST experiment, with the settings that produced the paper's figures."""

from typing import TYPE_CHECKING

import numpy as np

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.datasets.scaling import scaled
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.task import Task, trainer_of_arrays
from keras_selfmodel.rlct import SamplingSettings

if TYPE_CHECKING:
    import keras


def _inputs(images: np.ndarray) -> np.ndarray:
    """x/127.5 − 1, flattened: `(n, 28, 28, 1)` uint8 to `(n, 784)` float32 in −1 … 1."""
    return scaled(images.reshape(len(images), -1), "symmetric")


def _network(recipe: Recipe, dataset: Dataset) -> "keras.Model":
    from keras_selfmodel.models import mlp

    inputs = int(np.prod(dataset.x_train.shape[1:]))
    return mlp(
        recipe.hidden, inputs=inputs, classes=dataset.num_classes, batch_norm=bool(recipe.batch_norm), seed=recipe.seed
    )


def _optimizer(recipe: Recipe) -> "keras.optimizers.Optimizer":
    import keras

    return keras.optimizers.SGD(recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0)


MNIST = Task(
    recipe=Recipe(
        task="mnist",
        hidden=512,
        aux_weight=10.0,
        targets=("hidden",),
        epochs=50,
        batch_size=512,
        learning_rate=0.005,
        momentum=0.9,
        seed=1,
        batch_norm=False,
        # The paper samples 1000 steps of 4 chains and averages the second half of them.
        rlct=SamplingSettings(
            convention="paper",
            sampler="sgld",
            step_size=1e-4,
            localization=100.0,
            num_chains=4,
            num_draws=500,
            burn_in=500,
            batch_size=512,
        ),
    ),
    inputs=_inputs,
    network=_network,
    optimizer=_optimizer,
    trainer=trainer_of_arrays(_inputs),
    together=True,
)
