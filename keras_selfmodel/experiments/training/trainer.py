"""How a network is trained, and tested on the test data."""

from collections.abc import Sequence
from typing import Protocol

import keras


class Trainer(Protocol):
    """The data of one run, training samples in the order of the run's seed, and what is done with them.

    Attributes:
        steps_per_epoch: Batches of the training data.
    """

    steps_per_epoch: int

    def fit(
        self, model: keras.Model, *, epochs: int, initial_epoch: int, callbacks: Sequence[keras.callbacks.Callback]
    ) -> None:
        """As `keras.Model.fit`: trains a compiled model, and calls the callbacks.

        Args:
            model: The network.
            epochs: Number of epochs after which training ends.
            initial_epoch: Epochs done before.
            callbacks: They get `loss` and `accuracy`, on the test data `val_loss` and `val_accuracy`, and the parts of
                the loss if the network models itself.
        """

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Measures on the test data.

        Returns:
            "accuracy"; if the network models itself also "self_prediction_loss" and "self_prediction_r2".
        """

    def training_samples(self) -> tuple:
        """`(x, y)`, as the network takes them."""
