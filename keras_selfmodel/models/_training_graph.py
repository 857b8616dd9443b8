"""The graph that a training step runs, where it computes more than the class scores."""

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._internals.keras import model_around
from keras_selfmodel.models._masks import masks_of_outputs
from keras_selfmodel.transforms.tensors import Tensor


class TrainingGraph:
    """Calls the classifier and all else that the loss reads, in a single forward pass.

    Not a Keras layer, on purpose: a model holds it beside the classifier whose layers it shares, and Keras would
    otherwise list and save those layers twice. Layers of its own have to be attributes of that model.

    Args:
        graph: The classifier.
        outputs: Symbolic outputs by name; "scores" are the class scores. If they are sequences, their masks are added;
            see `masks_of_outputs`.

    Attributes:
        inputs: The symbolic inputs of the classifier.
        several_scores: Whether the scores are a structure.
    """

    def __init__(self, graph: ClassifierGraph, outputs: dict) -> None:
        self.inputs = graph.functional.input
        scores = outputs["scores"]
        self.several_scores = keras.tree.is_nested(scores)
        outputs = outputs | masks_of_outputs(keras.tree.flatten(scores))
        self._model = model_around(graph.functional, self.inputs, outputs, name="training_graph")

    def __call__(self, inputs: Tensor, training: bool | None = None) -> dict:
        return self._model(inputs, training=training)

    @property
    def variables(self) -> list[keras.Variable]:
        """Weights and states of the classifier, and of what else is called."""
        return self._model.variables

    def predict_on_batch(self, inputs: Tensor) -> dict:
        return self._model.predict_on_batch(inputs)
