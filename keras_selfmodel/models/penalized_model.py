"""A classifier that is trained on its task and on an auxiliary loss."""

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.models._loss_parts import LossParts
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.models.objective_model import ObjectiveModel, is_joint


class PenalizedModel(ObjectiveModel):
    """Trains a classifier on L = task loss + AW · auxiliary loss, AW being the auxiliary weight.

    In `fit`, `loss` is the weighted sum, and the logs name its parts: `task_loss` (the compiled loss and regularization
    terms) and the one called `AUXILIARY`.

    Args:
        classifier: As for `ObjectiveModel`.
        training_graph: As for `ObjectiveModel`.
        aux_weight: AW ≥ 0. Can be set later, also while training, without recompiling; 0 trains the classifier to
            exactly the weights it would get alone.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: If the auxiliary weight is negative or not finite.
    """

    AUXILIARY = "regularization_loss"

    def __init__(self, classifier: keras.Model, training_graph: TrainingGraph, aux_weight: float, **kwargs) -> None:
        _check_aux_weight(aux_weight)
        super().__init__(classifier, training_graph, **kwargs)
        # float32 whatever the precision of the layers: AW multiplies the loss, which is float32 too.
        self._aux_weight = self.add_weight(
            shape=(),
            dtype="float32",
            initializer=keras.initializers.Constant(aux_weight),
            trainable=False,
            name="aux_weight",
        )
        self._loss_parts = LossParts(self.AUXILIARY)

    @property
    def aux_weight(self) -> float:
        """The auxiliary weight AW, ≥ 0. Setting it takes effect with the next training step that starts."""
        return float(ops.convert_to_numpy(self._aux_weight))

    @aux_weight.setter
    def aux_weight(self, value: float) -> None:
        _check_aux_weight(value)
        self._aux_weight.assign(value)

    @property
    def training_logs(self) -> tuple[str, ...]:
        return self._loss_parts.names

    def auxiliary_loss(self, outputs: dict, sample_weight=None):
        """The auxiliary loss of a batch.

        Args:
            outputs: What `joint_outputs` returns.
            sample_weight: Weights of the samples, `(batch,)`, or `None`.

        Returns:
            A scalar; where replicas share a batch, the replica's share of it, as a `keras.losses.Loss` returns.
        """
        raise NotImplementedError(f"{type(self).__name__} must say what its auxiliary loss is.")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The compiled loss of the class scores; in training plus AW · auxiliary loss."""
        task_loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not is_joint(y_pred):
            return task_loss
        auxiliary_loss = self.auxiliary_loss(y_pred, sample_weight)
        # Where replicas share a batch, a Loss instance returns the replica's share of the mean.
        replicas = transforms.replicas()
        parts = [ops.stop_gradient(part) * replicas for part in (task_loss, auxiliary_loss)]
        self._loss_parts.update_state(parts, sample_weight=ops.shape(y_pred["scores"])[0])
        return task_loss + self._aux_weight * auxiliary_loss

    def get_config(self) -> dict:
        return {**super().get_config(), "aux_weight": self.aux_weight}


def _check_aux_weight(value: float) -> None:
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"aux_weight must be finite and not negative. Received: aux_weight={value}")
