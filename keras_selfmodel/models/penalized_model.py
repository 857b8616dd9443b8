"""A classifier that is trained on its task and on an auxiliary loss."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.models._arguments import checked_aux_weight
from keras_selfmodel.models._distillation import counted_in_distillation
from keras_selfmodel.models._loss_parts import LossParts
from keras_selfmodel.models._steps import AuxiliaryLoss
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.models.objective_model import ObjectiveModel
from keras_selfmodel.transforms.tensors import Tensor, Tree


@counted_in_distillation
class PenalizedModel(ObjectiveModel):
    """Trains a classifier on L = task loss + AW · auxiliary loss, AW being the auxiliary weight.

    In `fit`, `loss` is the weighted sum, and the logs name its parts: `task_loss` (the compiled loss and regularization
    terms) and the one called `AUXILIARY`. The latter is also measured on validation data, the classifier being in
    inference there; `val_loss` is that of the classifier alone, as `evaluate` gives it.

    **Weights and masks.** Weights of samples (`sample_weight`, `class_weight`) count for the auxiliary loss as for the
    task's. If they are given for each timestep or pixel of the output, each sample weighs their mean, without masked
    timesteps; in a self-prediction of each timestep, each has the weight of the same timestep of the output. Of several
    outputs, the mean of their weights counts. Masked timesteps do not count: the mean is over those that are left, as
    in Keras's own losses.

    **Outside `fit`.** The weighted auxiliary loss is one of the model's `losses` after every `model(x, training=True)`,
    so that it counts in another model of which this is a part, and in a training loop that adds `model.losses`.
    `compute_loss` contains it, and does so once. Only inside a training step are the weights of the samples known.

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

    def __init__(
        self, classifier: keras.Model, training_graph: TrainingGraph, aux_weight: float, **kwargs: Any
    ) -> None:
        aux_weight = checked_aux_weight(aux_weight)
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
        self._validates = False
        self._validation_function = None
        # Of the last forward pass outside all steps: its scores and its weighted auxiliary loss.
        self._passed: tuple[weakref.ref, weakref.ref] | None = None
        self._apart: list | None = None

    @property
    def aux_weight(self) -> float:
        """The auxiliary weight AW, ≥ 0. Setting it takes effect with the next training step that starts."""
        return float(ops.convert_to_numpy(self._aux_weight))

    @aux_weight.setter
    def aux_weight(self, value: float) -> None:
        self._aux_weight.assign(checked_aux_weight(value))

    @property
    def training_logs(self) -> tuple[str, ...]:
        return self._loss_parts.names

    @property
    def validation_logs(self) -> tuple[str, ...]:
        return tuple(name for name in self.training_logs if name != "task_loss")

    @property
    def losses(self) -> list:
        """As of every Keras model; after a forward pass in training also AW · auxiliary loss."""
        losses = super().losses
        if self._apart is not None:
            return [loss for loss in losses if not any(loss is one for one in self._apart)]
        step = self._steps.current
        if step is None or step.auxiliary is None or step.kind != "training":
            return losses
        step.counted = True
        weighted = step.auxiliary.weighted
        return losses if any(loss is weighted for loss in losses) else [*losses, weighted]

    def auxiliary_loss(self, outputs: dict, sample_weight: Tensor | None = None) -> Tensor | None:
        """The auxiliary loss of a batch.

        Args:
            outputs: What `joint_outputs` returns.
            sample_weight: Weights of the samples, as `fit` takes them, or `None`.

        Returns:
            A scalar; where replicas share a batch, the replica's share of it, as a `keras.losses.Loss` returns.
        """
        raise NotImplementedError(f"{type(self).__name__} must say what its auxiliary loss is.")

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        step = self._steps.current
        if not (training or (self._validates and step is not None)):
            return super().call(inputs, training)
        outputs = self.joint_outputs(inputs, training=training)
        auxiliary = self._auxiliary(outputs, None if step is None else step.sample_weight)
        if step is not None:
            step.auxiliary, step.counted = auxiliary, False
        else:
            self.add_loss(auxiliary.weighted)
            self._passed = (weakref.ref(_first(outputs["scores"])), weakref.ref(auxiliary.weighted))
        return outputs["scores"]

    def stateless_call(self, *args: Any, return_losses: bool = False, **kwargs: Any) -> Any:
        """As of every Keras model.

        Raises:
            RuntimeError: If it is called for training, outside `train_step` and without `return_losses=True`: the
                auxiliary loss would be lost.
        """
        if kwargs.get("training") and not return_losses and self._steps.current is None:
            raise RuntimeError(
                f"stateless_call of a {type(self).__name__} in training returns the auxiliary loss among the losses, "
                "which would be lost. Pass return_losses=True, and add the losses to yours. "
                f"Received: training={kwargs['training']}, return_losses=False"
            )
        return super().stateless_call(*args, return_losses=return_losses, **kwargs)

    def stateless_compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """The loss as `compute_loss`, for JAX.

        Keras asks `stateless_call` for the losses only to hand them over to this; so they do not count as asked for.
        """
        if self._steps.current is not None:
            self._steps.current.counted = False
        return super().stateless_compute_loss(*args, **kwargs)

    def compute_loss(
        self,
        x: Tree = None,
        y: Tree = None,
        y_pred: Tensor = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """The compiled loss of the class scores; with `training=True` plus AW · auxiliary loss.

        Args:
            x: As of every Keras model.
            y: As of every Keras model.
            y_pred: The class scores, as `model(x, training=True)` returns them, or what `joint_outputs` returns.
            sample_weight: As of every Keras model.
            training: As of every Keras model.
        """
        step, replicas = self._steps.current, transforms.replicas()
        scores = self.scores_of(y_pred)
        if self.is_joint(y_pred):
            auxiliary: AuxiliaryLoss | None = self._auxiliary(y_pred, sample_weight)
        elif step is not None:
            auxiliary = step.auxiliary
        else:
            loss = super().compute_loss(x, y, y_pred, sample_weight, training)
            weighted = self.auxiliary_of(y_pred)
            # Keras has counted it, unless a stateless scope kept it.
            counted = weighted is None or any(one is weighted for one in self.losses)
            return loss if counted else loss + weighted / replicas
        if auxiliary is None:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        with self._set_apart(auxiliary):
            if self.loss is None and not self.losses:
                task_loss = ops.zeros(())
            else:
                task_loss = super().compute_loss(x, y, scores, sample_weight, training)
        if self.is_joint(y_pred) or self.keeps_what_is_measured(task_loss):
            # Where replicas share a batch, Keras computes the replica's share of the task's loss.
            parts = [ops.stop_gradient(part) for part in (task_loss * replicas, auxiliary.value)]
            self._loss_parts.add_batch(parts, ops.shape(_first(scores))[0])
            self.measure(auxiliary.outputs)
        if not training or (step is not None and step.kind == "validation"):
            return task_loss
        if step is not None:
            step.counted = True
        return task_loss + auxiliary.weighted / replicas

    def measure(self, outputs: dict) -> None:
        """Updates the metrics of the objective, if it has any.

        Args:
            outputs: What `joint_outputs` returns.
        """

    def _logs_of_test(self, logs: dict) -> dict:
        of_validation = self.validation_logs if self._validates else ()
        return super()._logs_of_test(logs) | {name: logs[name] for name in of_validation}

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.evaluate` of the classifier."""
        # So `fit` calls it on the validation data.
        measure = self.validate if kwargs.get("_use_cached_eval_dataset") else super().evaluate
        return measure(*args, **kwargs)

    def validate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `evaluate`, and adds in the same pass what `fit` logs of validation data.

        That is the auxiliary loss, and R² of models that predict themselves; the loss stays the classifier's.

        Args:
            *args: As of `keras.Model.evaluate`.
            **kwargs: As of `keras.Model.evaluate`, such as `return_dict=True`.

        Returns:
            As `evaluate`, which also says what is raised; what is added is named as in the logs of training, and in a
            list stands in another order than in `return_dict=True`.

        Example:

        >>> import numpy as np
        >>> from keras_selfmodel.models import SelfModelingModel
        >>> classifier = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="a"), keras.layers.Dense(3)])
        >>> model = SelfModelingModel(classifier, "a")
        >>> model.compile("sgd", "mse")
        >>> sorted(model.validate(np.ones((6, 4)), np.ones((6, 3)), verbose=0, return_dict=True))
        ['loss', 'self_prediction_loss', 'self_prediction_r2']
        """
        with self._validation():
            return super().evaluate(*args, **kwargs)

    def make_test_function(self, force: bool = False) -> Any:
        if not self._validates:
            return super().make_test_function(force)
        # JAX keeps one program for equal functions: that of the validation must not be equal to that of `evaluate`.
        # Deleted below, so the method is hidden only while Keras compiles.
        self.test_step = lambda *args, **kwargs: type(self).test_step(self, *args, **kwargs)  # type: ignore[method-assign]
        try:
            return super().make_test_function(force)
        finally:
            del self.test_step

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As of every Keras model; see `ObjectiveModel.compile`."""
        super().compile(*args, **kwargs)
        self._validation_function = None

    def get_config(self) -> dict:
        return {**super().get_config(), "aux_weight": self.aux_weight}

    def _auxiliary(self, outputs: dict, sample_weight: Tensor | None) -> AuxiliaryLoss:
        value = self.auxiliary_loss(outputs, sample_weight) * transforms.replicas()
        return AuxiliaryLoss(value, self._aux_weight * value, outputs)

    def auxiliary_of(self, scores: Tree) -> Tensor:
        """AW · auxiliary loss of the last forward pass in training outside all steps, if it returned these scores.

        Args:
            scores: What the model returned.

        Returns:
            A scalar as `losses` has it, or `None`.
        """
        known, weighted = (None, None) if self._passed is None else (reference() for reference in self._passed)
        return weighted if known is not None and known is _first(scores) else None

    @contextmanager
    def _set_apart(self, auxiliary: AuxiliaryLoss) -> Iterator[None]:
        """Leaves the auxiliary loss, and one of an earlier forward pass, out of `losses`."""
        passed = None if self._passed is None else self._passed[1]()
        self._apart = [one for one in (auxiliary.weighted, passed) if one is not None]
        try:
            yield
        finally:
            self._apart = None

    @contextmanager
    def _validation(self) -> Iterator[None]:
        """Test steps are those of `fit`'s validation, a program beside that of `evaluate`."""
        self._validates = True
        self.test_function, self._validation_function = self._validation_function, self.test_function
        try:
            yield
        finally:
            self.test_function, self._validation_function = self._validation_function, self.test_function
            self._validates = False


def _first(scores: Tree) -> Any:
    return keras.tree.flatten(scores)[0]
