"""A classifier that learns, besides its task, to predict its own hidden activations."""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.layers import SelfPredictionHead
from keras_selfmodel.metrics import SelfPredictionR2
from keras_selfmodel.models._joint_network import JointNetwork
from keras_selfmodel.models._targets import TargetNormalization, checked_names
from keras_selfmodel.models.objective_model import is_joint
from keras_selfmodel.models.penalized_model import PenalizedModel


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class SelfModelingModel(PenalizedModel):
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
            that the final layer reads, or is those features. Or, as a control, a frozen `keras.Model` that takes the
            classifier's inputs: its outputs are predicted instead, computed in inference mode. "model/layer" is a layer
            inside a nested model, "layer:1" the second output of a layer that has several: with
            `return_attention_scores=True` the attention scores of a `MultiHeadAttention`.
        aux_weight: AW ≥ 0. Can be set later, also while training, without recompiling; 0 trains the classifier to
            exactly the weights it would get alone.
        stop_gradient: Whether the targets are constants to the gradient (the paper's code) or learn to be predictable
            directly as well (the paper's formula, read literally).
        target_normalization: `None`, or "unit_rms" to divide every target layer by its root mean square over the
            batch, so that shrinking activations is no shortcut.
        target_transformation: A layer that is applied to the flattened target, `(batch, all activations)` to
            `(batch, n)`, such as `layers.RandomSubset`, `layers.Signs` or `layers.MeanAndRange`, for self-models that
            predict less. `None` predicts all activations as they are.
        head: Layer that predicts the targets: given features `(batch, features)` it returns `(batch, n)`; or a function
            of n that returns one, such as `layers.DeepSelfPredictionHead`. `None` is a `SelfPredictionHead`, one linear
            unit for each target activation.
        features: Name of the layer, or several, whose activations the head reads; named as targets are. Targets may
            then lie anywhere. `None` is what the final layer reads.
        output_layer: Name of the final layer, where it cannot be told, as of several outputs; `None` to find it: the
            last layer that has weights.
        per_timestep: Whether the head is applied to each step of sequences, features `(batch, steps, ...)` and targets
            `(batch, steps, ...)`, whose number of steps need not be known, instead of flattening these: it returns
            `(batch, steps, n)`.
        steps_ahead: With `per_timestep`, how many steps later than the features the targets are: 1 predicts the
            activations of the next step. The last steps predict nothing.
        seed: Fixes the initial weights of the default head.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: If a target does not exist, is ambiguous, or is computed from the features; if the auxiliary
            weight is negative or not finite; if the classifier is not functional or Sequential; if the head does not
            return n values; if a network that is predicted is not frozen, or takes other inputs. In `fit`, if class
            labels are out of range.

    Reference:
        arXiv 2407.10188, "Unexpected Benefits of Self-Modeling in Neural Systems".

    Example:

    >>> import numpy as np
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

    AUXILIARY = "self_prediction_loss"

    def __init__(
        self,
        classifier: keras.Model,
        targets: str | Sequence[str] | keras.Model,
        aux_weight: float = 1.0,
        *,
        stop_gradient: bool = True,
        target_normalization: TargetNormalization = None,
        target_transformation: keras.Layer | None = None,
        head: keras.Layer | Callable[[int], keras.Layer] | None = None,
        features: str | Sequence[str] | None = None,
        output_layer: str | None = None,
        per_timestep: bool = False,
        steps_ahead: int = 0,
        seed: int | Sequence[int] | None = None,
        **kwargs,
    ) -> None:
        if not isinstance(targets, keras.Model):
            targets = checked_names(targets)
        elif not stop_gradient:
            raise ValueError("stop_gradient=False has no meaning where targets is a frozen network.")
        if target_normalization not in (None, "unit_rms"):
            raise ValueError(f"target_normalization must be None or 'unit_rms'. Received: {target_normalization!r}")
        if steps_ahead != int(steps_ahead) or steps_ahead < 0 or (steps_ahead and not per_timestep):
            raise ValueError(
                "steps_ahead must be a whole number, at least 0, and needs per_timestep=True. "
                f"Received: steps_ahead={steps_ahead}, per_timestep={per_timestep}"
            )
        features = None if features is None else checked_names(features, "features")
        joint = JointNetwork(
            ClassifierGraph(classifier, output_layer),
            targets,
            features,
            _maker_of(head, seed),
            target_transformation,
            stop_gradient=stop_gradient,
            normalization=target_normalization,
            per_timestep=per_timestep,
            steps_ahead=int(steps_ahead),
        )
        super().__init__(classifier, joint, aux_weight, **kwargs)
        self.head = joint.head
        self.targets = targets
        self.stop_gradient = bool(stop_gradient)
        self.target_normalization = target_normalization
        self.target_transformation = target_transformation
        self.features = features
        self.output_layer = output_layer
        self.per_timestep = bool(per_timestep)
        self.steps_ahead = int(steps_ahead)
        self.seed = seed
        self._default_head = head is None
        # A Loss instance rather than a function: it casts under mixed precision, takes sample weights, and is
        # scaled like the compiled loss when replicas share a batch.
        self._mean_squared_error = keras.losses.MeanSquaredError()
        self._self_prediction_r2 = SelfPredictionR2(joint.units)
        self(self.symbolic_inputs)

    @property
    def num_targets(self) -> int:
        """n, the number of values that are predicted, of all targets together."""
        return self._joint.units

    @property
    def training_logs(self) -> tuple[str, ...]:
        return (*super().training_logs, self._self_prediction_r2.name)

    def with_classifier(self, classifier: keras.Model) -> "SelfModelingModel":
        return SelfModelingModel(
            classifier,
            self.targets,
            self.aux_weight,
            stop_gradient=self.stop_gradient,
            target_normalization=self.target_normalization,
            target_transformation=self.target_transformation,
            head=self.head,
            features=self.features,
            output_layer=self.output_layer,
            per_timestep=self.per_timestep,
            steps_ahead=self.steps_ahead,
        )

    def joint_outputs(self, inputs, training: bool | None = None) -> dict:
        """What a training step sees: the class scores, the self-prediction and its target.

        Args:
            inputs: As of `call`.
            training: As of `call`.

        Returns:
            `scores` `(batch, classes)`, `self_prediction` and `target`, both `(batch, n)`.
        """
        return super().joint_outputs(inputs, training)

    def auxiliary_loss(self, outputs: dict, sample_weight=None):
        """The MSE of the self-prediction, over batch and units."""
        return self._mean_squared_error(outputs["target"], outputs["self_prediction"], sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """The compiled metrics of the class scores; in training also the R² of the self-prediction."""
        if is_joint(y_pred):
            # Steps of sequences count like samples.
            rows = [ops.reshape(y_pred[name], (-1, self.num_targets)) for name in ("target", "self_prediction")]
            self._self_prediction_r2.update_state(*rows)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def evaluate_self_prediction(self, x, *, batch_size: int = 512) -> dict[str, float]:
        """How well the network, as it is in inference, predicts its own activations.

        Args:
            x: Inputs of the classifier, `(samples, ...)`, or the structure of arrays that it takes.
            batch_size: Samples at a time. With "unit_rms" targets are normalised per batch, so it matters there.

        Returns:
            `self_prediction_loss`, the mean squared error over samples and units, and `self_prediction_r2`.

        Example:

        >>> import numpy as np
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
            rows = [ops.reshape(outputs[name], (-1, self.num_targets)) for name in ("target", "self_prediction")]
            r2.update_state(*rows)
        return {"self_prediction_loss": float(loss.result()), "self_prediction_r2": float(r2.result())}

    def get_config(self) -> dict:
        serialize = keras.saving.serialize_keras_object
        own = isinstance(self.targets, tuple)
        transformation = self.target_transformation
        return {
            **super().get_config(),
            "targets": list(self.targets) if own else serialize(self.targets),
            "stop_gradient": self.stop_gradient,
            "target_normalization": self.target_normalization,
            "target_transformation": None if transformation is None else serialize(transformation),
            "head": None if self._default_head else serialize(self.head),
            "features": None if self.features is None else list(self.features),
            "output_layer": self.output_layer,
            "per_timestep": self.per_timestep,
            "steps_ahead": self.steps_ahead,
            "seed": self.seed,
        }


def _maker_of(head, seed) -> Callable[[int], keras.Layer]:
    if head is None:
        return lambda units: SelfPredictionHead(units, seed, name="self_prediction_head")
    if not callable(head):
        raise ValueError(
            "head must be a keras.Layer, a function of n that returns one, or None for a linear head. "
            f"Received: head={head!r} of type {type(head).__name__}"
        )
    # A layer can be called too.
    return head if callable(head) and not isinstance(head, keras.Layer) else lambda units: head
