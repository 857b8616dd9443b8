"""The one graph that training runs: class scores, self-prediction and its target in a single forward pass."""

from collections.abc import Callable, Sequence
from typing import Literal

import keras
from keras import ops

from keras_selfmodel._classifier_graph import ClassifierGraph

TargetNormalization = Literal["unit_rms"] | None


class JointNetwork:
    """Calls the classifier and the head together.

    Not a Keras layer, on purpose: the self-modeling model holds it beside the classifier and the head whose layers
    it shares, and Keras would otherwise list and save those layers twice.

    Attributes:
        units: Number of target activations n, all targets together.
        head: The layer that predicts them.
    """

    def __init__(
        self,
        graph: ClassifierGraph,
        targets: Sequence[str],
        make_head: Callable[[int], keras.Layer],
        *,
        stop_gradient: bool,
        normalization: TargetNormalization,
    ) -> None:
        activations = [_flat(graph.activation(name)) for name in targets]
        self.units = sum(activation.shape[-1] for activation in activations)
        self.head = make_head(self.units)
        prediction = _flat(self.head(_flat(graph.features)))
        if prediction.shape[-1] != self.units:
            raise ValueError(
                f"The head must return one value for each of the {self.units} target activations of "
                f"targets={list(targets)}. Received: head={self.head.name!r} with {prediction.shape[-1]} outputs"
            )
        # The loss is formed in single precision at least, whatever precision the layers compute in.
        precision = keras.config.floatx()
        activations = [a if a.dtype == precision else ops.cast(a, precision) for a in activations]
        if normalization == "unit_rms":
            activations = [_unit_rms(activation) for activation in activations]
        target = ops.concatenate(activations, axis=-1) if len(activations) > 1 else activations[0]
        if stop_gradient:
            target = ops.stop_gradient(target)
        self._model = keras.Model(
            graph.functional.input,
            {"scores": graph.scores, "self_prediction": prediction, "target": target},
            name="joint_network",
        )

    def __call__(self, inputs, training: bool | None = None) -> dict:
        return self._model(inputs, training=training)

    def predict_on_batch(self, inputs) -> dict:
        return self._model.predict_on_batch(inputs)


def _flat(tensor):
    """Flattens all axes but the batch: `(batch, ...)` to `(batch, n)`."""
    return tensor if len(tensor.shape) == 2 else keras.layers.Reshape((-1,))(tensor)


def _unit_rms(activation):
    """Divides one target layer by its root mean square over the batch and its units."""
    return activation * ops.rsqrt(ops.mean(ops.square(activation)) + keras.config.epsilon())
