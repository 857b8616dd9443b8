"""A classifier whose hidden activations are pulled towards zero."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.models._masks import masks_in, masks_of_units
from keras_selfmodel.models._mean_of_squares import mean_square
from keras_selfmodel.models._targets import check_sizes, checked_names, target_tensor
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.models.penalized_model import PenalizedModel
from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class ActivationRegularizationModel(PenalizedModel):
    """Trains a classifier on L = task loss + AW · mean(a²).

    a: the activations of the target layers, flattened per sample and concatenated; the mean is over batch and units.
    It is the loss of `SelfModelingModel` with nothing predicted and the gradient in the target, so that strengths can
    be compared. (Keras's `ActivityRegularization` sums over the units.) In the logs it is `regularization_loss`.

    Args:
        classifier: A built functional or Sequential model with one output; see `ObjectiveModel`.
        targets: Name of a layer, or several; "model/layer" inside a nested model.
        aux_weight: AW ≥ 0; see `PenalizedModel`.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: If a target does not exist or is ambiguous; if the auxiliary weight is negative or not finite; if
            the classifier is not functional or Sequential.

    Example:

    >>> classifier = keras.Sequential(
    ...     [keras.Input((2,)), keras.layers.Dense(4, kernel_initializer="ones", name="a"), keras.layers.Dense(3)]
    ... )
    >>> model = ActivationRegularizationModel(classifier, "a", aux_weight=0.1)
    >>> model.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> history = model.fit(keras.ops.ones((4, 2)), keras.ops.zeros(4), verbose=0)
    >>> history.history["regularization_loss"]
    [4.0]
    """

    def __init__(
        self, classifier: keras.Model, targets: str | Sequence[str], aux_weight: float = 1.0, **kwargs: Any
    ) -> None:
        names = checked_names(targets)
        graph = ClassifierGraph(classifier)
        scores, activations = graph.read([graph.activation(name) for name in names])
        check_sizes("targets", names, activations)
        outputs = {"scores": scores, "activations": target_tensor(activations)}
        mask = masks_of_units(activations)
        outputs |= {} if mask is None else {"target_mask": mask}
        super().__init__(classifier, TrainingGraph(graph, outputs), aux_weight, **kwargs)
        self.targets = names
        self(self.symbolic_inputs)

    def auxiliary_loss(self, outputs: dict, sample_weight: Tensor | None = None) -> Tensor | None:
        """The mean square of the activations, over batch and units."""
        return mean_square(outputs["activations"], sample_weight, outputs.get("target_mask"), masks_in(outputs))

    def with_classifier(self, classifier: keras.Model) -> "ActivationRegularizationModel":
        return ActivationRegularizationModel(classifier, self.targets, self.aux_weight)

    def get_config(self) -> dict:
        return {**super().get_config(), "targets": list(self.targets)}
