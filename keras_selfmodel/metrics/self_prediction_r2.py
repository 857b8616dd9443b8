"""R² of the self-prediction."""

from typing import Any

import keras
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.transforms.tensors import Tensor

SMALLEST_SPREAD = 1e-6
"""Standard deviation of the targets, as a share of their size or that of the errors, below which R² says nothing."""


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class SelfPredictionR2(keras.metrics.Metric):
    """Fraction of the variance of the target activations that the self-prediction explains.

        R² = 1 − Σ(a − â)² / Σ(a − ā)²,   ā: the mean of each unit over the samples seen

    Squares are pooled over all units, so units that never fire neither count nor divide by zero. (Keras's
    `R2Score` averages a ratio per unit and returns NaN for dead units.) The mean and the variance are merged
    batch by batch in the stable form of Chan, Golub and LeVeque, not as a difference of large sums.

    R² is not a number where it says nothing: before the first sample, where targets or predictions are not finite, and
    where the targets do not vary. Less than a millionth of the size of the targets or the errors is rounding.

    Args:
        units: Number of target activations.
        name: Name in the logs.
        dtype: dtype of the accumulated values.

    Reference:
        Chan, Golub, LeVeque: "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.

    Example:

    >>> metric = SelfPredictionR2(units=2)
    >>> target = ops.convert_to_tensor([[0.0, 1.0], [2.0, 1.0]])
    >>> metric.update_state(target, target)
    >>> float(metric.result())
    1.0
    """

    def __init__(self, units: int, name: str = "self_prediction_r2", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.units = units
        # The same on every replica, unlike the squares, of which each has its share and Keras reads the sum.
        same = {"shape": (units,), "initializer": "zeros", "aggregation": "only_first_replica"}
        self.count = self.add_variable(name="count", **same)
        self.mean = self.add_variable(name="mean", **same)
        self.total_squares = self.add_variable(shape=(), initializer="zeros", name="total_squares")
        self.residual_squares = self.add_variable(shape=(), initializer="zeros", name="residual_squares")

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None, mask: Tensor | None = None
    ) -> None:
        """Adds a batch.

        Args:
            y_true: Target activations, `(batch, units)`, or `(batch, steps, units)`, whose steps count like samples.
            y_pred: Their prediction, of the same shape.
            sample_weight: Ignored: R² describes the activations as they are.
            mask: Bool, which values count: `(batch, units)`, or `(batch, steps)`. `None` counts all.
        """
        target = ops.reshape(ops.cast(y_true, self.dtype), (-1, self.units))
        error = target - ops.reshape(ops.cast(y_pred, self.dtype), (-1, self.units))
        counted = None if mask is None else ops.reshape(mask, (-1, 1 if len(y_true.shape) == 3 else self.units))
        if counted is None:
            own = ops.cast(ops.shape(target)[0], self.dtype)
        else:
            # A padded value may be anything, infinite too.
            target, error = (ops.where(counted, values, 0.0) for values in (target, error))
            own = ops.sum(ops.cast(counted, self.dtype), axis=0)
        # Replicas that share a batch take their deviations from one mean.
        batch, batch_sum = transforms.sum_over_replicas([own, ops.sum(target, axis=0)])
        batch_mean = ops.divide_no_nan(batch_sum, batch)
        deviation = target - batch_mean
        if counted is not None:
            deviation = ops.where(counted, deviation, 0.0)
        shift = batch_mean - self.mean
        count = self.count + batch
        # A unit that was masked so far has no mean to be merged.
        step = ops.divide_no_nan(shift, count)
        between = ops.sum(shift * step * self.count * own)
        self.total_squares.assign_add(_sum_of_squares(deviation) + between)
        self.mean.assign_add(step * batch)
        self.residual_squares.assign_add(_sum_of_squares(error))
        self.count.assign(count)

    def result(self) -> Tensor:
        total, residual = ops.convert_to_tensor(self.total_squares), ops.convert_to_tensor(self.residual_squares)
        # Squares of the targets themselves, as far as their means make them.
        size = ops.sum(self.count * ops.square(self.mean)) + total + residual
        smallest = size * SMALLEST_SPREAD**2
        # Written so that a NaN in either stays one.
        return ops.where(total <= smallest, float("nan"), 1.0 - ops.divide_no_nan(residual, total))

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}


def _sum_of_squares(values: Tensor) -> Tensor:
    """Σ v². Not `ops.vdot`, which takes twice the time on TensorFlow; it runs at every training step."""
    return ops.sum(values * values)
