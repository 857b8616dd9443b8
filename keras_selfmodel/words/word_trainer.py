"""Training on texts of different lengths, at the cost of the words in them.

Data sets are imported where they are used: a user of the RLCT, which loads this room, need not load that one.
"""

from collections.abc import Sequence

import keras
import numpy as np

from keras_selfmodel.words.batches import stacked, word_batches
from keras_selfmodel.words.network_of_words import NetworkOfWords


class WordTrainer:
    """A `Trainer` for networks that start with a `MeanPooledEmbedding`, trained by plain SGD.

    Args:
        train: Texts, each an array of its tokens as `datasets.tokenize` returns them, and their labels, in the order
            in which they are trained on.
        test: The same of the test data.
        batch_size: Texts of a batch.
    """

    def __init__(
        self,
        train: tuple[Sequence[np.ndarray], np.ndarray],
        test: tuple[Sequence[np.ndarray], np.ndarray],
        batch_size: int,
    ) -> None:
        from keras_selfmodel.datasets import vocabulary_size

        self._texts, self._labels = train
        train_batches, test_batches = (word_batches(*data, batch_size) for data in (train, test))
        size = vocabulary_size(self._texts)
        self._width = max(len(batch.words) for batch in (*train_batches, *test_batches))
        self._train, self._test = (
            keras.tree.map_structure(keras.ops.convert_to_tensor, stacked(batches, self._width, size))
            for batches in (train_batches, test_batches)
        )
        self._network: NetworkOfWords | None = None
        self.steps_per_epoch = len(train_batches)

    def fit(
        self, model: keras.Model, *, epochs: int, initial_epoch: int, callbacks: Sequence[keras.callbacks.Callback]
    ) -> None:
        """As `Trainer.fit`.

        Raises:
            ValueError: If the optimizer is another than plain SGD.
        """
        _check_optimizer(model.optimizer)
        network = self._network_of(model)
        called = keras.callbacks.CallbackList(list(callbacks), model=model, epochs=epochs, steps=self.steps_per_epoch)
        called.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            called.on_epoch_begin(epoch)
            logs = network.train(self._train)
            tested = network.test(self._test)
            called.on_epoch_end(epoch, logs | {f"val_{name}": v for name, v in tested.items() if name != "task_loss"})
        called.on_train_end()

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        return self._network_of(model).test(self._test)

    def training_samples(self) -> tuple:
        from keras_selfmodel.datasets import padded

        return padded(self._texts), self._labels

    def _network_of(self, model: keras.Model) -> "NetworkOfWords":
        if self._network is None or self._network.model is not model:
            self._network = NetworkOfWords(model, self._width)
        return self._network


def _check_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    if not isinstance(optimizer, keras.optimizers.SGD) or optimizer.momentum:
        raise ValueError(
            "Steps that touch only the words of a batch need keras.optimizers.SGD without momentum: others move the "
            f"rest of the embedding too. Received: {optimizer.name} with {optimizer.get_config()}"
        )
