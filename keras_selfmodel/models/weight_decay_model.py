"""A classifier whose weights are pulled towards zero."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.models._targets import checked_names
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.models.penalized_model import PenalizedModel
from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class WeightDecayModel(PenalizedModel):
    """Trains a classifier on L = task loss + AW · ½ Σ w².

    The sum is over all trainable weights, biases and the scales of normalizations included. It is part of the loss, so
    that its gradient AW · w goes through the optimizer: the coupled L2 penalty, as `weight_decay` of PyTorch's SGD and
    Adam is, not the decoupled one of AdamW and of Keras's `weight_decay=`. In the logs ½ Σ w² is
    `regularization_loss`.

    Args:
        classifier: A built functional or Sequential model with one output; see `ObjectiveModel`.
        aux_weight: AW ≥ 0, the decay λ; see `PenalizedModel`.
        layers: Name of a layer, or several, whose weights alone decay; "model/layer" inside a nested model. `None` for
            all layers.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: If there is no layer of that name, or it has no trainable weights; if the auxiliary weight is
            negative or not finite; if the classifier is not functional or Sequential.

    Reference:
        Krogh, Hertz: "A Simple Weight Decay Can Improve Generalization", 1991.

    Example:

    >>> classifier = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, kernel_initializer="ones")])
    >>> model = WeightDecayModel(classifier, aux_weight=0.1)
    >>> model.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> history = model.fit(ops.zeros((4, 2)), ops.zeros(4), verbose=0)
    >>> history.history["regularization_loss"]
    [3.0]
    """

    def __init__(
        self, classifier: keras.Model, aux_weight: float, *, layers: str | Sequence[str] | None = None, **kwargs: Any
    ) -> None:
        graph = ClassifierGraph(classifier)
        names = None if layers is None else checked_names(layers, "layers")
        _check_layers(graph, names)
        super().__init__(classifier, TrainingGraph(graph, {"scores": graph.scores}), aux_weight, **kwargs)
        self.decaying_layers = names
        self(self.symbolic_inputs)

    @property
    def decaying_weights(self) -> list[keras.Variable]:
        """The weights that decay."""
        # Not an attribute: Keras would take them for weights of this model, besides the classifier's.
        if self.decaying_layers is None:
            return self.classifier.trainable_variables
        layers = _layers(ClassifierGraph(self.classifier))
        # By identity: a layer that is called twice, or lies in a model that is named too, counts once.
        weights = [weight for name in self.decaying_layers for weight in layers[name].trainable_variables]
        return list({id(weight): weight for weight in weights}.values())

    def auxiliary_loss(self, outputs: dict, sample_weight: Tensor | None = None) -> Tensor | None:
        """½ Σ w²; the weights of samples have no say in it."""
        squares = [ops.sum(ops.square(ops.cast(weight, "float32"))) for weight in self.decaying_weights]
        return 0.5 * sum(squares) / transforms.replicas()

    def with_classifier(self, classifier: keras.Model) -> "WeightDecayModel":
        return WeightDecayModel(classifier, self.aux_weight, layers=self.decaying_layers)

    def get_config(self) -> dict:
        return {**super().get_config(), "layers": None if self.decaying_layers is None else list(self.decaying_layers)}


def _check_layers(graph: ClassifierGraph, names: Sequence[str] | None) -> None:
    known = _layers(graph)
    named = names or ()
    for name in named:
        if name not in known or not known[name].trainable_variables:
            lack = "No layer called" if name not in known else "No trainable weights in layer"
            raise ValueError(
                f"{lack} {name!r}. Received: layers={list(named)}; the classifier's: {', '.join(graph.layer_names)}"
            )


def _layers(graph: ClassifierGraph) -> dict[str, keras.Layer]:
    return {call.path: call.operation for call in graph.calls if isinstance(call.operation, keras.Layer)}
