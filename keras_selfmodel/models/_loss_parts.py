"""The parts of the loss, averaged over an epoch."""

from typing import Any

import keras
from keras import ops

from keras_selfmodel.metrics import SelfPredictionR2
from keras_selfmodel.transforms.tensors import Tensor


class LossParts(keras.metrics.Metric):
    """Mean task loss and mean auxiliary loss, each batch weighted by its size as Keras weighs `loss`.

    One metric with two values rather than two `keras.metrics.Mean`: half the work at every training step. Before the
    first batch, as in a training step that computes its loss itself, they are not a number.

    Args:
        auxiliary: What the logs call the auxiliary loss.
    """

    def __init__(self, auxiliary: str, name: str = "loss_parts", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.names = ("task_loss", auxiliary)
        self.total = self.add_variable(shape=(2,), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def add_batch(self, losses: Tensor, size: Tensor) -> None:
        """Adds a batch: its two losses and its size."""
        size = ops.cast(size, self.dtype)
        self.total.assign_add(ops.cast(ops.stack(losses), self.dtype) * size)
        self.count.assign_add(size)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: training steps of one's own update all `metrics` of a model with labels and predictions."""

    def result(self) -> dict:
        means = self.total / self.count
        return dict(zip(self.names, (means[0], means[1]), strict=True))


class R2OfSteps(SelfPredictionR2):
    """The R² that a model updates itself, in its training steps."""

    def add_batch(self, target: Tensor, prediction: Tensor, mask: Tensor | None = None) -> None:
        """Adds a batch; see `SelfPredictionR2.update_state`."""
        super().update_state(target, prediction, mask=mask)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Nothing; see `LossParts.update_state`."""
