"""R² of the self-prediction."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class SelfPredictionR2(keras.metrics.Metric):
    """Fraction of the variance of the target activations that the self-prediction explains.

        R² = 1 − Σ(a − â)² / Σ(a − ā)²,   ā: the mean of each unit over the samples seen

    Squares are pooled over all units, so units that never fire neither count nor divide by zero. (Keras's
    `R2Score` averages a ratio per unit and returns NaN for dead units.) The mean and the variance are merged
    batch by batch in the stable form of Chan, Golub and LeVeque, not as a difference of large sums. Targets
    that do not vary at all give 0.

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

    def __init__(self, units: int, name: str = "self_prediction_r2", dtype=None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.units = units
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")
        self.mean = self.add_variable(shape=(units,), initializer="zeros", name="mean")
        self.total_squares = self.add_variable(shape=(), initializer="zeros", name="total_squares")
        self.residual_squares = self.add_variable(shape=(), initializer="zeros", name="residual_squares")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds a batch.

        Args:
            y_true: Target activations, `(batch, units)`.
            y_pred: Their prediction, `(batch, units)`.
            sample_weight: Ignored: R² describes the activations as they are.
        """
        target = ops.cast(y_true, self.dtype)
        error = target - ops.cast(y_pred, self.dtype)
        batch = ops.cast(ops.shape(target)[0], self.dtype)
        batch_mean = ops.mean(target, axis=0)
        deviation = target - batch_mean
        count = self.count + batch
        shift = batch_mean - self.mean
        between = ops.sum(shift * shift) * (self.count * batch / count)
        self.total_squares.assign_add(_sum_of_squares(deviation) + between)
        self.mean.assign_add(shift * (batch / count))
        self.residual_squares.assign_add(_sum_of_squares(error))
        self.count.assign(count)

    def result(self):
        total = ops.convert_to_tensor(self.total_squares)
        unexplained = self.residual_squares / ops.where(total > 0, total, 1.0)
        return ops.where(total > 0, 1.0 - unexplained, 0.0)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}


def _sum_of_squares(values):
    """Σ v². Not `ops.vdot`, which takes twice the time on TensorFlow; it runs at every training step."""
    return ops.sum(values * values)
