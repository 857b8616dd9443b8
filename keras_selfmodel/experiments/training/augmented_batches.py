"""Training images that are changed anew in every epoch."""

from collections.abc import Callable

import keras
import numpy as np

from keras_selfmodel.experiments.training.augmentation import Augmentation


class AugmentedBatches(keras.utils.PyDataset):
    """Batches of images in a fixed order, changed by random numbers that depend on seed, epoch and batch alone.

    So they are the same on every backend, and after an interruption.

    Args:
        images: Raw images.
        labels: Their classes.
        batch_size: Images of a batch; the last one may be smaller.
        seed: Seed of the run.
        augmentation: How images are changed.
        inputs: Turns raw images into what the network takes, afterwards.

    Attributes:
        epoch: The epoch whose images are given.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        seed: int,
        augmentation: Augmentation,
        inputs: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        super().__init__()
        self.epoch = 0
        self._images, self._labels = images, labels
        self._batch_size = batch_size
        self._seed = seed
        self._augmentation = augmentation
        self._inputs = inputs

    def __len__(self) -> int:
        return -(-len(self._labels) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        batch = slice(index * self._batch_size, (index + 1) * self._batch_size)
        rng = np.random.default_rng([self._seed, self.epoch, index])
        return self._inputs(self._augmentation(self._images[batch], rng)), self._labels[batch]

    def follow_epochs(self) -> keras.callbacks.Callback:
        """The callback that tells these batches which epoch it is; `on_epoch_end` comes more often than epochs end."""

        def set_epoch(epoch: int, logs: dict | None = None) -> None:
            self.epoch = epoch

        return keras.callbacks.LambdaCallback(on_epoch_begin=set_epoch)
