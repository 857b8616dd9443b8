"""Training on samples that are all of one shape, by Keras's own `fit`."""

from collections.abc import Callable, Sequence
from functools import cached_property

import keras
import numpy as np

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.training.augmentation import Augmentation
from keras_selfmodel.experiments.training.augmented_batches import AugmentedBatches
from keras_selfmodel.models import SelfModelingModel


class ArrayTrainer:
    """A `Trainer` for images.

    Args:
        recipe: Seed and batch size.
        dataset: The raw data.
        inputs: Turns raw inputs of the data set into what the network takes.
        augmentation: Changes a batch of raw training inputs anew in every epoch; `None` leaves them as they are.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        inputs: Callable[[np.ndarray], np.ndarray],
        augmentation: Augmentation | None = None,
    ) -> None:
        self._dataset = dataset
        self._order = recipe.order(len(dataset.y_train))
        self._inputs = inputs
        self._augmentation = augmentation
        self._seed = recipe.seed
        self._batch_size = recipe.batch_size
        self.steps_per_epoch = -(-len(self._order) // recipe.batch_size)

    def fit(
        self, model: keras.Model, *, epochs: int, initial_epoch: int, callbacks: Sequence[keras.callbacks.Callback]
    ) -> None:
        common = {
            "epochs": epochs,
            "initial_epoch": initial_epoch,
            "shuffle": False,
            "validation_data": (self._x_test, self._dataset.y_test),
            "verbose": 0,
        }
        if self._augmentation is None:
            model.fit(self._x_train, self._y_train, batch_size=self._batch_size, callbacks=list(callbacks), **common)
            return
        batches = AugmentedBatches(
            self._raw, self._y_train, self._batch_size, self._seed, self._augmentation, self._inputs
        )
        model.fit(batches, callbacks=[batches.follow_epochs(), *callbacks], **common)

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        # One pass, by what `fit` has compiled for its validation.
        evaluate = model.validate if isinstance(model, SelfModelingModel) else model.evaluate
        measured = evaluate(
            self._x_test, self._dataset.y_test, batch_size=self._batch_size, verbose=0, return_dict=True
        )
        # Keras 3.12 and 3.13 have arrays here on JAX.
        return {name: float(value) for name, value in measured.items()}

    def training_samples(self) -> tuple:
        return self._x_train, self._y_train

    # The data are copied when they are first needed: who only evaluates needs no training data.
    @cached_property
    def _raw(self) -> np.ndarray:
        return self._dataset.x_train[self._order]

    @cached_property
    def _y_train(self) -> np.ndarray:
        return self._dataset.y_train[self._order]

    @cached_property
    def _x_test(self) -> np.ndarray:
        return self._inputs(self._dataset.x_test)

    @cached_property
    def _x_train(self) -> np.ndarray:
        return self._inputs(self._raw)
