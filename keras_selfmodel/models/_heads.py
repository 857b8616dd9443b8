"""The head, which predicts what a network knows of itself, and what it must be."""

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.transforms.tensors import Tensor


def checked_head(graph: ClassifierGraph, head: keras.Layer) -> keras.Layer:
    """The head, which must be no layer of the classifier.

    Raises:
        ValueError: If it is one.
    """
    if any(call.operation is head for call in graph.calls):
        raise ValueError(
            "head must be a layer of its own, whose weights the classifier does not share. Received: "
            f"head={head.name!r}, a layer of the classifier"
        )
    return head


def check_prediction(head: keras.Layer, prediction: Tensor, units: int, what: str) -> None:
    """Raises ValueError unless a head returns one value for each thing that is predicted.

    Args:
        head: The head.
        prediction: What it returns, symbolic.
        units: How many things are predicted.
        what: What they are, in words.
    """
    if prediction.shape[-1] != units:
        raise ValueError(
            f"The head must return one value for each of the {units} {what}. "
            f"Received: head={head.name!r} with {prediction.shape[-1]} outputs"
        )
