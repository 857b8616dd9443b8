"""Inner values of a trained network."""

from dataclasses import dataclass

import keras
import numpy as np

from keras_selfmodel._classifier_graph import ClassifierGraph


@dataclass(frozen=True)
class TappedValues:
    """Inner values of a network, one row per sample, float32.

    Attributes:
        features: What the final layer reads, and a self-prediction head with it, `(samples, features)`.
        scores: What the final layer puts out, before any softmax that is a layer of its own, `(samples, classes)`.
        activations: Of the layers asked for, each flattened to `(samples, units)`.
    """

    features: np.ndarray
    scores: np.ndarray
    activations: tuple[np.ndarray, ...]


class NetworkTap:
    """Reads inner values of a network as it is in inference, with the weights that it has at the time.

    Args:
        model: A classifier, or a `SelfModelingModel`, whose pruned classifier is read.
        layers: Names of the layers whose activations are read.

    Raises:
        ValueError: If there is no such layer.

    Example:

    >>> from keras_selfmodel.models import mlp
    >>> values = NetworkTap(mlp(5, inputs=3, classes=2, seed=1), ["hidden"]).read(np.ones((4, 3)))
    >>> values.features.shape, values.scores.shape, [layer.shape for layer in values.activations]
    ((4, 5), (4, 2), [(4, 5)])
    """

    def __init__(self, model: keras.Model, layers: tuple[str, ...] | list[str]) -> None:
        graph = ClassifierGraph.of(model)
        scores = graph.final_call.outputs[0]
        _, values = graph.read([graph.features, scores, *(graph.activation(name) for name in layers)])
        self._model = keras.Model(graph.functional.input, values)

    def read(self, x: np.ndarray, *, batch_size: int = 512) -> TappedValues:
        """The values for some inputs.

        Args:
            x: Inputs as the network takes them, `(samples, ...)`.
            batch_size: Samples at a time.
        """
        found = self._model.predict(x, batch_size=batch_size, verbose=0)
        features, scores, *activations = (np.asarray(v, dtype=np.float32).reshape(len(v), -1) for v in found)
        return TappedValues(features, scores, tuple(activations))
