"""The graph that a training step runs, where it computes more than the class scores."""

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph


class TrainingGraph:
    """Calls the classifier and all else that the loss reads, in a single forward pass.

    Not a Keras layer, on purpose: a model holds it beside the classifier whose layers it shares, and Keras would
    otherwise list and save those layers twice. Layers of its own have to be attributes of that model.

    Args:
        graph: The classifier.
        outputs: Symbolic outputs by name; "scores" are the class scores.

    Attributes:
        inputs: The symbolic inputs of the classifier.
    """

    def __init__(self, graph: ClassifierGraph, outputs: dict) -> None:
        self.inputs = graph.functional.input
        self._model = keras.Model(self.inputs, outputs, name="training_graph")

    def __call__(self, inputs, training: bool | None = None) -> dict:
        return self._model(inputs, training=training)

    def predict_on_batch(self, inputs) -> dict:
        return self._model.predict_on_batch(inputs)
