"""How well a network predicts itself on any data that Keras takes."""

import keras

from keras_selfmodel.models._loss_parts import R2OfSteps
from keras_selfmodel.transforms.tensors import Tensor, Tree


class SelfPredictionEvaluation(keras.Model):
    """Runs Keras's own `evaluate` with the self-prediction in the place of the task.

    Args:
        model: A `SelfModelingModel`.
        units: Number of target values.
    """

    def __init__(self, model: keras.Model, units: int) -> None:
        super().__init__(autocast=False, name="self_prediction_evaluation")
        self.model = model
        self._r2 = R2OfSteps(units)
        self.compile()
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> dict:
        return self.model.joint_outputs(inputs, training=False)

    def compute_loss(
        self,
        x: Tree = None,
        y: Tree = None,
        y_pred: Tensor = None,
        sample_weight: Tensor | None = None,
        training: bool = False,
    ) -> Tensor:
        return self.model.auxiliary_loss(y_pred, sample_weight)

    def compute_metrics(self, x: Tree, y: Tree, y_pred: Tensor, sample_weight: Tensor | None = None) -> dict:
        self._r2.add_batch(y_pred["target"], y_pred["self_prediction"], y_pred.get("target_mask"))
        return self.get_metrics_result()


class Kept:
    """Holds what Keras shall not take for a part of the model that keeps it.

    Args:
        model: A Keras model.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
