"""A classifier that learns, besides its task, to predict its own hidden activations."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.layers import SelfPredictionHead
from keras_selfmodel.metrics import SelfPredictionR2
from keras_selfmodel.models._joint_network import JointNetwork, TargetNormalization
from keras_selfmodel.models._labels import check_labels
from keras_selfmodel.models._loss_parts import LossParts


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class SelfModelingModel(keras.Model):
    """Trains a classifier on L = task loss + AW · MSE(â, sg[a]).

    a: the activations of the target layers, flattened per sample and concatenated; â: the output of a linear head
    on the features that the classifier's final layer reads; MSE: the mean over batch and units; sg: the stop of the
    gradient; AW: the auxiliary weight.

    It is a `keras.Model` like any other: compile, fit, save, load. What it returns and is judged by is the classifier:
    `model(x)`, `predict` and `evaluate` give what the plain classifier gives. In `fit`, `loss` is the weighted sum, and
    the logs name its parts `task_loss` (the compiled loss and regularization terms) and `self_prediction_loss`,
    besides `self_prediction_r2`.

    Args:
        classifier: A built functional or Sequential model with one output. It is used, not copied: it shares its
            weights with this model at all times.
        targets: Name of a layer, or several, whose activations are predicted. A target lies upstream of the features
            that the final layer reads, or is those features.
        aux_weight: AW ≥ 0. Can be set later, also while training, without recompiling; 0 trains the classifier to
            exactly the weights it would get alone.
        stop_gradient: Whether the targets are constants to the gradient (the paper's code) or learn to be predictable
            directly as well (the paper's formula, read literally).
        target_normalization: `None`, or "unit_rms" to divide every target layer by its root mean square over the
            batch, so that shrinking activations is no shortcut.
        head: Layer that predicts the targets: given features `(batch, features)` it returns `(batch, n)`.
            `None` is a `SelfPredictionHead`, one linear unit for each target activation.
        seed: Fixes the initial weights of the default head.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: If a target does not exist, is ambiguous, or is computed from the features; if the auxiliary
            weight is negative or not finite; if the classifier is not functional or Sequential; if the head does not
            return n values. In `fit`, if class labels are out of range.

    Reference:
        arXiv 2407.10188, "Unexpected Benefits of Self-Modeling in Neural Systems".

    Example:

    >>> classifier = keras.Sequential([
    ...     keras.Input((4,)),
    ...     keras.layers.Dense(8, activation="relu", name="hidden"),
    ...     keras.layers.Dense(3, name="logits"),
    ... ])
    >>> model = SelfModelingModel(classifier, targets="hidden", aux_weight=10.0)
    >>> model.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> history = model.fit(np.zeros((6, 4)), np.zeros(6), verbose=0)
    >>> sorted(history.history)
    ['loss', 'self_prediction_loss', 'self_prediction_r2', 'task_loss']
    >>> model.classifier is classifier
    True
    """

    def __init__(
        self,
        classifier: keras.Model,
        targets: str | Sequence[str],
        aux_weight: float = 1.0,
        *,
        stop_gradient: bool = True,
        target_normalization: TargetNormalization = None,
        head: keras.Layer | None = None,
        seed: int | Sequence[int] | None = None,
        **kwargs,
    ) -> None:
        targets = [targets] if isinstance(targets, str) else list(targets)
        if not targets:
            raise ValueError("targets must name at least one layer. Received: targets=[]")
        if len(set(targets)) != len(targets):
            raise ValueError(f"Each target may be named once. Received: targets={targets}")
        if target_normalization not in (None, "unit_rms"):
            raise ValueError(f"target_normalization must be None or 'unit_rms'. Received: {target_normalization!r}")
        _check_aux_weight(aux_weight)
        graph = ClassifierGraph(classifier)
        joint = JointNetwork(
            graph,
            targets,
            lambda units: head or SelfPredictionHead(units, seed, name="self_prediction_head"),
            stop_gradient=stop_gradient,
            normalization=target_normalization,
        )
        # The inputs reach the classifier untouched; it casts them itself as it would alone.
        super().__init__(autocast=False, **kwargs)
        self.classifier = classifier
        self.head = joint.head
        self.targets = tuple(targets)
        self.stop_gradient = bool(stop_gradient)
        self.target_normalization = target_normalization
        self.seed = seed
        self._default_head = head is None
        self._joint = joint
        self._num_classes = graph.scores.shape[-1]
        self._in_train_step = False
        # float32 whatever the precision of the layers: AW multiplies the loss, which is float32 too.
        self._aux_weight = self.add_weight(
            shape=(),
            dtype="float32",
            initializer=keras.initializers.Constant(aux_weight),
            trainable=False,
            name="aux_weight",
        )
        # A Loss instance rather than a function: it casts under mixed precision, takes sample weights, and is
        # scaled like the compiled loss when replicas share a batch.
        self._mean_squared_error = keras.losses.MeanSquaredError()
        self._loss_parts = LossParts()
        self._self_prediction_r2 = SelfPredictionR2(joint.units)
        # A symbolic call builds the model and tells `export` what the inputs look like.
        self(graph.functional.input)

    @property
    def aux_weight(self) -> float:
        """The auxiliary weight AW, ≥ 0. Setting it takes effect with the next training step that starts."""
        return float(ops.convert_to_numpy(self._aux_weight))

    @aux_weight.setter
    def aux_weight(self, value: float) -> None:
        _check_aux_weight(value)
        self._aux_weight.assign(value)

    @property
    def num_targets(self) -> int:
        """n, the number of activations that are predicted, of all targets together."""
        return self._joint.units

    def call(self, inputs, training: bool | None = None):
        """The class scores; inside a training step also the self-prediction and its target."""
        network = self._joint if self._in_train_step else self.classifier
        return network(inputs, training=training)

    def joint_outputs(self, inputs, training: bool | None = None) -> dict:
        """What a training step sees: the class scores, the self-prediction and its target.

        Args:
            inputs: As of `call`.
            training: As of `call`.

        Returns:
            `scores` `(batch, classes)`, `self_prediction` and `target`, both `(batch, n)`.
        """
        return self._joint(inputs, training=training)

    def train_step(self, *args, **kwargs):
        """Keras's own training step of the running backend, on the joint network.

        Keras passes the outputs of `call` to `compute_loss` and `compute_metrics`; both know them by their keys.
        """
        self._in_train_step = True
        try:
            return super().train_step(*args, **kwargs)
        finally:
            self._in_train_step = False

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The compiled loss of the class scores; in training plus AW · MSE of the self-prediction."""
        if not _is_joint(y_pred):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        task_loss = super().compute_loss(x, y, y_pred["scores"], sample_weight, training)
        self_prediction_loss = self._mean_squared_error(y_pred["target"], y_pred["self_prediction"], sample_weight)
        # Where replicas share a batch, a Loss instance returns the replica's share of the mean.
        replicas = transforms.replicas()
        parts = [ops.stop_gradient(part) * replicas for part in (task_loss, self_prediction_loss)]
        self._loss_parts.update_state(parts, sample_weight=ops.shape(y_pred["target"])[0])
        return task_loss + self._aux_weight * self_prediction_loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """The compiled metrics of the class scores; in training also the R² of the self-prediction."""
        if _is_joint(y_pred):
            self._self_prediction_r2.update_state(y_pred["target"], y_pred["self_prediction"])
            return super().compute_metrics(x, y, y_pred["scores"], sample_weight)
        logs = super().compute_metrics(x, y, y_pred, sample_weight)
        own = (*LossParts.NAMES, self._self_prediction_r2.name)
        return {name: value for name, value in logs.items() if name not in own}

    def fit(self, x=None, y=None, *args, **kwargs):
        """As `keras.Model.fit`; class labels given as an array are checked before training starts."""
        check_labels(y, self._num_classes, self.loss)
        return super().fit(x, y, *args, **kwargs)

    def evaluate_self_prediction(self, x, *, batch_size: int = 512) -> dict[str, float]:
        """How well the network, as it is in inference, predicts its own activations.

        Args:
            x: Inputs of the classifier, `(samples, ...)`, or the structure of arrays that it takes.
            batch_size: Samples at a time. With "unit_rms" targets are normalised per batch, so it matters there.

        Returns:
            `self_prediction_loss`, the mean squared error over samples and units, and `self_prediction_r2`.

        Example:

        >>> classifier = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="a"), keras.layers.Dense(3)])
        >>> sorted(SelfModelingModel(classifier, "a").evaluate_self_prediction(np.ones((6, 4))))
        ['self_prediction_loss', 'self_prediction_r2']
        """
        loss, r2 = keras.metrics.MeanSquaredError(), SelfPredictionR2(self._joint.units)
        samples = len(keras.tree.flatten(x)[0])
        for start in range(0, samples, batch_size):
            stop = start + batch_size
            outputs = self._joint.predict_on_batch(keras.tree.map_structure(lambda a: a[start:stop], x))  # noqa: B023
            loss.update_state(outputs["target"], outputs["self_prediction"])
            r2.update_state(outputs["target"], outputs["self_prediction"])
        return {"self_prediction_loss": float(loss.result()), "self_prediction_r2": float(r2.result())}

    def get_config(self) -> dict:
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            "classifier": serialize(self.classifier),
            "targets": list(self.targets),
            "aux_weight": self.aux_weight,
            "stop_gradient": self.stop_gradient,
            "target_normalization": self.target_normalization,
            "head": None if self._default_head else serialize(self.head),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict) -> "SelfModelingModel":
        deserialize = keras.saving.deserialize_keras_object
        parts = {key: deserialize(config[key]) for key in ("dtype", "classifier", "head") if config[key] is not None}
        return cls(**{**config, **parts})


def _is_joint(y_pred) -> bool:
    return isinstance(y_pred, dict) and "self_prediction" in y_pred


def _check_aux_weight(value: float) -> None:
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"aux_weight must be finite and not negative. Received: aux_weight={value}")
