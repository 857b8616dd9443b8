"""A classifier that learns, besides its task, to predict its own hidden activations."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._numbers import whole_number
from keras_selfmodel.models._arguments import (
    check_as_many_weights,
    check_has_samples,
    check_switches,
    check_transformation,
    checked_batch_size,
    checked_steps_ahead,
    maker_of,
)
from keras_selfmodel.models._joint_network import JointNetwork
from keras_selfmodel.models._loss_parts import R2OfSteps
from keras_selfmodel.models._masks import masks_in
from keras_selfmodel.models._mean_of_squares import mean_square
from keras_selfmodel.models._self_prediction_evaluation import Kept, SelfPredictionEvaluation
from keras_selfmodel.models._targets import TargetNormalization, checked_names
from keras_selfmodel.models.penalized_model import PenalizedModel
from keras_selfmodel.transforms.tensors import Tensor, Tree


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class SelfModelingModel(PenalizedModel):
    """Trains a classifier on L = task loss + AW · MSE(â, sg[a]).

    a: the activations of the target layers, flattened per sample and concatenated; â: the output of a linear head
    on the features that the classifier's final layer reads; MSE: the mean over batch and units; sg: the stop of the
    gradient; AW: the auxiliary weight.

    It is a `keras.Model` like any other: compile, fit, save, load. Outputs and metrics are those of the classifier:
    `model(x)`, `predict` and `evaluate` give what the plain classifier gives. In `fit`, `loss` is the weighted sum, and
    the logs name its parts `task_loss` (the compiled loss and regularization terms) and `self_prediction_loss`,
    besides `self_prediction_r2`. With validation data there are `val_self_prediction_loss` and
    `val_self_prediction_r2`, while `val_loss` is that of the classifier alone.

    Weights of samples and masks count for both losses. A target is flattened unless `per_timestep=True`: if weights
    are given for each timestep or pixel of the output, each sample weighs their mean, without masked steps. With
    `per_timestep=True` each step of the target has the weight of the same step of the output. Of several outputs, the
    mean of their weights counts. Masked steps of a target do not count, neither in the loss nor in R²: the mean is over
    those that are left, as in Keras's own losses. (With a `target_transformation`, which sees all steps, they do.)

    After `model(x, training=True)`, AW · MSE is one of the model's `losses`, and so counts in custom training loops and
    in other models of which this one is a part; see `PenalizedModel`.

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
            of n that returns one, such as `layers.DeepSelfPredictionHead`. One that has the name of a layer of the
            classifier gets another name. `None` is a `SelfPredictionHead`, one linear
            unit for each target activation.
        features: Name of the layer, or several, whose activations the head reads; named as targets are. Targets may
            then lie anywhere. `None` is what the final layer reads.
        output_layer: Name of the final layer, where it cannot be determined, as of several outputs; `None` to find it:
            the last layer that has weights.
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
    _joint: JointNetwork

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
        **kwargs: Any,
    ) -> None:
        if not isinstance(targets, keras.Model):
            targets = checked_names(targets)
        elif stop_gradient is False:
            raise ValueError("stop_gradient=False has no meaning where targets is a frozen network.")
        if target_normalization not in (None, "unit_rms"):
            raise ValueError(f"target_normalization must be None or 'unit_rms'. Received: {target_normalization!r}")
        check_switches(stop_gradient=stop_gradient, per_timestep=per_timestep)
        steps_ahead = checked_steps_ahead(steps_ahead, per_timestep=per_timestep)
        check_transformation(target_transformation)
        features = None if features is None else checked_names(features, "features")
        joint = JointNetwork(
            ClassifierGraph(classifier, output_layer),
            targets,
            features=features,
            make_head=maker_of(head, seed),
            transformation=target_transformation,
            stop_gradient=stop_gradient,
            normalization=target_normalization,
            per_timestep=per_timestep,
            steps_ahead=steps_ahead,
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
        self.steps_ahead = steps_ahead
        self.seed = seed
        self._default_head = head is None
        self._self_prediction_r2 = R2OfSteps(joint.units)
        self._evaluation: Kept | None = None
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

    def joint_outputs(self, inputs: Tensor, training: bool | None = None) -> dict:
        """What a training step sees: the class scores, the self-prediction and its target.

        Args:
            inputs: As of `call`.
            training: As of `call`.

        Returns:
            `scores` `(batch, classes)`, `self_prediction` and `target`, both `(batch, n)`.
        """
        return super().joint_outputs(inputs, training)

    def auxiliary_loss(self, outputs: dict, sample_weight: Tensor | None = None) -> Tensor | None:
        """The MSE of the self-prediction, over batch and units."""
        # The head may compute in half precision; the target is never less than single.
        errors = ops.cast(outputs["self_prediction"], outputs["target"].dtype) - outputs["target"]
        masks = outputs.get("target_mask"), masks_in(outputs)
        return mean_square(errors, sample_weight, *masks, steps_ahead=self.steps_ahead)

    def measure(self, outputs: dict) -> None:
        """Adds a batch to the R² of the self-prediction."""
        target, prediction = (ops.stop_gradient(outputs[name]) for name in ("target", "self_prediction"))
        self._self_prediction_r2.add_batch(target, prediction, outputs.get("target_mask"))

    def evaluate_self_prediction(
        self,
        x: Tree = None,
        y: Tree = None,
        *,
        batch_size: int | None = None,
        sample_weight: Tensor | None = None,
        steps: int | None = None,
    ) -> dict[str, float]:
        """How well the network, as it is in inference, predicts its own activations.

        Args:
            x: What `evaluate` takes: inputs `(samples, ...)`, a structure of arrays, a data set or a loader.
            y: Ignored, as are the labels of a data set.
            batch_size: Samples at a time, of arrays; 512 unless given. With "unit_rms" targets are normalized per
                batch, so it matters there.
            sample_weight: As of `evaluate`. They weigh the loss, as in training, not R².
            steps: As of `evaluate`: how many batches of a data set. `None` takes all.

        Returns:
            `self_prediction_loss`, the mean squared error over samples and units, and `self_prediction_r2`, which is
            not a number where the targets do not vary.

        Example:

        >>> import numpy as np
        >>> classifier = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="a"), keras.layers.Dense(3)])
        >>> sorted(SelfModelingModel(classifier, "a").evaluate_self_prediction(np.ones((6, 4))))
        ['self_prediction_loss', 'self_prediction_r2']
        """
        arrays = check_has_samples("evaluate_self_prediction", x)
        options = {"batch_size": checked_batch_size(batch_size, 512)} if arrays else {}
        steps = None if steps is None else whole_number("steps", steps, 1)
        if arrays and sample_weight is not None:
            check_as_many_weights(sample_weight, x)
        if arrays and y is None:
            # Without labels, Keras takes a tuple of arrays for (x, y), and leaves weights out.
            y = np.zeros(keras.tree.flatten(x)[0].shape[0], "float32")
        if self._evaluation is None:
            self._evaluation = Kept(SelfPredictionEvaluation(self, self._joint.units))
        logs = self._evaluation.model.evaluate(
            x, y, sample_weight=sample_weight, steps=steps, verbose=0, return_dict=True, **options
        )
        # Keras 3.12 and 3.13 have arrays here on JAX.
        r2 = self._self_prediction_r2.name
        return {self.AUXILIARY: float(logs["loss"]), r2: float(logs[r2])}

    def get_config(self) -> dict:
        serialize = keras.saving.serialize_keras_object
        of_layers = isinstance(self.targets, tuple)
        transformation = self.target_transformation
        return {
            **super().get_config(),
            "targets": list(self.targets) if of_layers else serialize(self.targets),
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
