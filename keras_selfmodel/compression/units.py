"""Units that the final layer reads are replaced by their mean."""

import math

import keras
import numpy as np
from keras import ops

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._layer_kernel import kernel_of
from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.scored_network import ScoredNetwork
from keras_selfmodel.transforms.tensors import Tensor

# So many steps where there are more units.
STEPS = 64


def unit_influences(features: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """How much of the class scores varies with each unit: its standard deviation times the norm of its weights.

    A dead unit, which is always the same, has none.

    Args:
        features: `(samples, units)`.
        kernel: `(units, classes)`.

    Example:

    >>> unit_influences(np.array([[0.0, 1.0], [0.0, 3.0]]), np.array([[5.0, 0.0], [3.0, 4.0]])).tolist()
    [0.0, 5.0]
    """
    return np.std(features, axis=0, dtype=np.float64) * np.linalg.norm(kernel.astype(np.float64), axis=1)


def unit_curve(network: ScoredNetwork, features: np.ndarray) -> CompressionCurve:
    """Loss and accuracy against the part of the final layer's units that is kept, those of the least influence first.

    A unit that goes is replaced, in what the final layer reads, by its mean ā over `features`. A network without it,
    and with w·ā added to the bias, w being the unit's weights, says the same. Of a layer that is called several times,
    only the last call reads means; kernels with LoRA or quantized are as Keras computes with them.

    Args:
        network: A network and its samples. Its final layer must be a Dense layer.
        features: What the final layer reads, `keras_selfmodel.probes.NetworkTap(model, ()).read(x).features`:
            `(samples, units)` or, for a layer that is applied to each timestep or pixel, `(samples, ..., units)`,
            flattened or not; the mean is then over all.

    Raises:
        ValueError: If the final layer is another one, its kernel cannot be read, the features are not what it reads, or
            the network's loss is not a number.
    """
    graph = ClassifierGraph.of(network.model)
    kernel = kernel_of(final_dense(network.model))
    features = _entries(features, graph, len(kernel))
    order = np.argsort(unit_influences(features, kernel), kind="stable")
    means = UnitMeans(features.mean(axis=0, dtype=np.float64))
    answers = network.scorer(keras.Model(graph.functional.input, graph.scores_with(means)))
    units, points = len(order), [CurvePoint.of(1.0, network.score())]
    for gone in np.unique(np.linspace(0, units, min(units, STEPS) + 1).round().astype(int))[1:]:
        means.gone.assign(np.isin(np.arange(units), order[:gone]).astype("float32"))
        points.append(CurvePoint.of(1 - gone / units, answers().score))
    return CompressionCurve("pruning of units, mean replaced", "part of the units that is kept", tuple(points))


class UnitMeans(keras.Layer):
    """Replaces some of the units that it is given by their means.

    Args:
        means: Of all units.

    Attributes:
        gone: 1 for each unit that is replaced, 0 for the others.
    """

    def __init__(self, means: np.ndarray) -> None:
        super().__init__(autocast=False)  # What comes next casts its inputs itself.
        self.supports_masking = True
        self._means = means
        self.gone = self.add_weight(shape=means.shape, dtype="float32", initializer="zeros", trainable=False)

    def call(self, x: Tensor) -> Tensor:
        # Of no fewer bits than float32, also where the units are whole numbers.
        dtype = keras.backend.result_type(x.dtype, "float32")
        return ops.where(self.gone > 0, ops.cast(self._means, dtype), ops.cast(x, dtype))


def _entries(features: np.ndarray, graph: ClassifierGraph, units: int) -> np.ndarray:
    """Features `(entries, units)`: of each sample or, where there are several, of each timestep or pixel.

    Raises:
        ValueError: If they are not what the final layer reads.
    """
    features, read = np.asarray(features), graph.features.shape[1:]
    given = features.shape[1:]
    whole = len(given) == len(read) and all(ours in (None, size) for ours, size in zip(read, given, strict=True))
    numbers = (units,) if None in read else (units, math.prod(read))  # of an entry, or of all of a sample
    flat = len(given) == 1 and (given[0] in numbers or (None in read and given[0] % units == 0))
    if not features.size or not (whole or flat):
        wanted = ", ".join("any" if size is None else str(size) for size in read)
        raise ValueError(
            f"features must be what the final layer reads, of shape (samples, {wanted}), or flattened to "
            f"(samples, numbers). Received: features of shape {features.shape}"
        )
    return features.reshape(-1, units)


def final_dense(model: keras.Model) -> keras.layers.Dense:
    """The final layer of a classifier.

    Raises:
        ValueError: If it is no Dense layer, or cannot be found.
    """
    layer = ClassifierGraph.of(model).final_call.operation
    if not isinstance(layer, keras.layers.Dense):
        raise ValueError(
            "Units can be replaced by their mean if the final layer is Dense. Received: layer "
            f"{layer.name!r} of type {type(layer).__name__}"
        )
    return layer
