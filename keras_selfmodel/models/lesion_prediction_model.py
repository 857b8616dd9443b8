"""A classifier that learns, besides its task, what silencing one of its own units does to its outputs."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.layers import DeepSelfPredictionHead
from keras_selfmodel.models._arguments import check_switches, maker_of
from keras_selfmodel.models._lesions import LesionNetwork
from keras_selfmodel.models._loss_parts import R2OfSteps
from keras_selfmodel.models._masks import masks_in
from keras_selfmodel.models._mean_of_squares import mean_square
from keras_selfmodel.models.penalized_model import PenalizedModel
from keras_selfmodel.transforms.tensors import Tensor, Tree


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class LesionPredictionModel(PenalizedModel):
    """Trains a classifier on L = task loss + AW · MSE(head(a, i), sg[f(a with aᵢ = 0) − f(a)]).

    a: the activations of a hidden layer; i: one of its units, drawn anew for each sample in each training step; f: what
    the classifier computes from these activations, its outputs; MSE: the mean over batch and outputs; sg: the stop of
    the gradient; AW: the auxiliary weight. The head is given a and i, the latter one-hot, side by side.

    Logs of `fit`: `loss` is the weighted sum; its parts are `task_loss` and `lesion_prediction_loss`, and
    `lesion_prediction_r2` is the fraction of the variance of the changes that is predicted. Of validation data there
    are `val_lesion_prediction_loss` and `val_lesion_prediction_r2`, of the same units after every epoch. All else is as
    of `PenalizedModel`: outputs, `predict` and `evaluate` are those of the classifier. How well all units are predicted
    `probes.predicted_lesions` measures.

    **Gradient.** It flows through the head into the activations that it reads, and on into the layers before them: the
    network learns activations that tell what each unit is for. It does not flow into the changes, which are constants
    as the targets of `SelfModelingModel` are: else units that do nothing would be the direct way to a small error.
    (Changes may shrink all the same: compare the error with their size, as R² does.) `stop_gradient=False` lets it flow
    there too.

    **What follows the layer** computes both outputs in inference: dropout does not act, and batch normalization uses
    its moving statistics, which only the classifier's own pass updates. Where only a linear layer follows, the change
    is exactly −aᵢ times the unit's weights; for changes that are not that simple choose an earlier `layer`.

    Where the layer puts out sequences or images, a unit is a channel: it is silenced at all positions, and the head is
    given its mean over them, without masked steps. Channels are where the layer that made them ("channels_first") and
    what moved them since have put them. Where custom layers, or operations such as a product of matrices, leave that
    open, `axis` must be given.

    Args:
        classifier: A built functional or Sequential model; see `ObjectiveModel`.
        aux_weight: AW ≥ 0; see `PenalizedModel`.
        layer: Name of the layer whose units are silenced, "model/layer" inside a nested model. `None` is what the final
            layer reads.
        axis: The axis of the units in what the layer puts out, counted with the batch: from 1, or −1 for the last.
            `None` to find it.
        head: Layer that predicts the changes: given `(batch, 2 · units)`, activations and the unit, it returns
            `(batch, n)`, n being the number of outputs; or a function of n that returns one. `None` is a
            `layers.DeepSelfPredictionHead`: one hidden layer of as many units as it is given numbers. A head that has
            the name of a layer of the classifier gets another name.
        stop_gradient: Whether the changes are constants to the gradient.
        output_layer: Name of the final layer, where it cannot be determined; `None` to find it.
        seed: Fixes the initial weights of the default head, and on one backend the units that are drawn.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: If the layer does not exist, is ambiguous, has an unknown number of units or no effect on the
            outputs; if the axis of its units cannot be told, or there is none of this number; if the auxiliary weight
            is negative or not finite; if the classifier is not functional or Sequential; if the head does not return n
            values.

    Reference:
        arXiv 2608.14894, for the idea: given activations and the index of a silenced unit, predict the change of the
        output. What is said there of loss, head and training is not what this follows.

    Example:

    >>> import numpy as np
    >>> classifier = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(8, activation="relu", name="hidden"), keras.layers.Dense(3)]
    ... )
    >>> model = LesionPredictionModel(classifier, aux_weight=1.0, layer="hidden", seed=1)
    >>> model.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> history = model.fit(np.ones((6, 4)), np.zeros(6), verbose=0)
    >>> sorted(history.history)
    ['lesion_prediction_loss', 'lesion_prediction_r2', 'loss', 'task_loss']
    """

    AUXILIARY = "lesion_prediction_loss"
    _joint: LesionNetwork

    def __init__(
        self,
        classifier: keras.Model,
        aux_weight: float = 1.0,
        layer: str | None = None,
        *,
        axis: int | None = None,
        head: keras.Layer | Callable[[int], keras.Layer] | None = None,
        stop_gradient: bool = True,
        output_layer: str | None = None,
        seed: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        check_switches(stop_gradient=stop_gradient)
        joint = LesionNetwork(
            ClassifierGraph(classifier, output_layer),
            layer,
            axis,
            make_head=maker_of(head, seed, DeepSelfPredictionHead, "lesion_prediction_head"),
            stop_gradient=stop_gradient,
            seed=seed,
        )
        super().__init__(classifier, joint, aux_weight, **kwargs)
        self.head = joint.head
        self.layer = layer
        self.axis = axis
        self.stop_gradient = bool(stop_gradient)
        self.output_layer = output_layer
        self.seed = seed
        self._default_head = head is None
        self._drawn_unit = joint.draw
        self._r2 = R2OfSteps(joint.outputs, name="lesion_prediction_r2")
        self(self.symbolic_inputs)

    @property
    def num_units(self) -> int:
        """How many units can be silenced."""
        return self._joint.units

    @property
    def training_logs(self) -> tuple[str, ...]:
        return (*super().training_logs, self._r2.name)

    def with_classifier(self, classifier: keras.Model) -> "LesionPredictionModel":
        return LesionPredictionModel(
            classifier,
            self.aux_weight,
            self.layer,
            axis=self.axis,
            head=self.head,
            stop_gradient=self.stop_gradient,
            output_layer=self.output_layer,
            seed=self.seed,
        )

    def joint_outputs(self, inputs: Tensor, training: bool | None = None) -> dict:
        """What a training step sees: the class scores, and the change of the outputs, predicted and true.

        Args:
            inputs: As of `call`.
            training: As of `call`.

        Returns:
            `scores` `(batch, classes)`, `lesion_prediction` and `lesion_change`, both `(batch, n)`; of outputs that
            have steps also `target_mask`, which of these count.
        """
        return super().joint_outputs(inputs, training)

    def lesions(self, inputs: Tree, silenced: Tensor) -> dict:
        """What silencing given units changes of the outputs, in inference.

        Args:
            inputs: As of `call`.
            silenced: Which unit of each sample, one-hot, `(batch, units)`. Several above 0 are silenced together.

        Returns:
            As `joint_outputs`, without the scores, as NumPy arrays.

        Raises:
            ValueError: If `silenced` has another shape.
        """
        if tuple(silenced.shape)[1:] != (self.num_units,):
            raise ValueError(
                f"silenced must have the shape (batch, {self.num_units}). Received: shape {tuple(silenced.shape)}"
            )
        # Keras refuses tensors and arrays side by side.
        arrays = keras.tree.map_structure(ops.convert_to_numpy, [inputs, silenced])
        return self._joint.with_units_given.predict_on_batch(arrays)

    def auxiliary_loss(self, outputs: dict, sample_weight: Tensor | None = None) -> Tensor | None:
        """The MSE of the predicted changes, over batch and outputs."""
        # The head may compute in half precision; the change is never less than single.
        errors = ops.cast(outputs["lesion_prediction"], outputs["lesion_change"].dtype) - outputs["lesion_change"]
        return mean_square(errors, sample_weight, outputs.get("target_mask"), masks_in(outputs))

    def measure(self, outputs: dict) -> None:
        """Adds a batch to the R² of the predicted changes."""
        change, prediction = (ops.stop_gradient(outputs[name]) for name in ("lesion_change", "lesion_prediction"))
        self._r2.add_batch(change, prediction, outputs.get("target_mask"))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "layer": self.layer,
            "axis": self.axis,
            "head": None if self._default_head else keras.saving.serialize_keras_object(self.head),
            "stop_gradient": self.stop_gradient,
            "output_layer": self.output_layer,
            "seed": self.seed,
        }
