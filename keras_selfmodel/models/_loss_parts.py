"""The parts of the loss, averaged over an epoch."""

import keras
from keras import ops


class LossParts(keras.metrics.Metric):
    """Mean task loss and mean auxiliary loss, each batch weighted by its size as Keras weighs `loss`.

    One metric with two values rather than two `keras.metrics.Mean`: half the work at every training step.

    Args:
        auxiliary: What the logs call the auxiliary loss.
    """

    def __init__(self, auxiliary: str, name: str = "loss_parts", dtype=None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.names = ("task_loss", auxiliary)
        self.total = self.add_variable(shape=(2,), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, losses, sample_weight) -> None:
        """Adds a batch: its two losses and its size."""
        size = ops.cast(sample_weight, self.dtype)
        self.total.assign_add(ops.cast(ops.stack(losses), self.dtype) * size)
        self.count.assign_add(size)

    def result(self) -> dict:
        means = ops.divide_no_nan(self.total, self.count)
        return dict(zip(self.names, (means[0], means[1]), strict=True))
