"""What the user passes to the estimator, made definite or refused."""

from collections.abc import Callable

import keras
import numpy as np

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._internals.keras import layers_inside
from keras_selfmodel.models._labels import check_labels


def resolve_loss(model: keras.Model, loss) -> keras.losses.Loss | Callable:
    """The loss to measure: what was given or compiled, else cross-entropy of the class scores."""
    if loss is None:
        last = ClassifierGraph(model).final_node.operation
        softmax = _ends_in_softmax(model, last)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
    if isinstance(loss, (list, tuple, dict)):
        raise ValueError(f"The RLCT is that of one loss. Received: loss={loss!r}")
    return keras.losses.get(loss)


def resolve_data(model: keras.Model, data, loss) -> tuple:
    """Checks `(x, y)` and returns x, y and the number of samples."""
    if not (isinstance(data, (tuple, list)) and len(data) == 2):
        raise ValueError(
            f"data must be (x, y), the arrays the model was trained on. Received: data of type {type(data).__name__}"
        )
    x, y = data
    lengths = {len(a) for a in keras.tree.flatten((x, y)) if hasattr(a, "__len__")}
    if len(lengths) != 1:
        raise ValueError(f"x and y must have one entry for each sample. Received: lengths {sorted(lengths)}")
    num_samples = lengths.pop()
    if num_samples < 3:
        raise ValueError(f"n/ln n needs at least 3 samples. Received: {num_samples}")
    for given, wanted in zip(keras.tree.flatten(x), keras.tree.flatten(model.inputs), strict=False):
        if len(np.shape(given)) != len(wanted.shape) or any(
            w not in (None, g) for g, w in zip(np.shape(given)[1:], wanted.shape[1:], strict=True)
        ):
            raise ValueError(
                f"The model takes inputs of shape {tuple(wanted.shape)}. Received: x of shape {np.shape(given)}"
            )
    check_labels(y, model.outputs[0].shape[-1], loss)
    return x, y, num_samples


def resolve_variables(model: keras.Model, weights) -> list[keras.Variable]:
    """The trainable variables that `weights` names: all for `None`."""
    trainable = model.trainable_variables
    if not trainable:
        raise ValueError("The model has no trainable weights to sample: set layer.trainable = True where it should.")
    if weights is None:
        return trainable
    if isinstance(weights, (str, keras.Layer, keras.Variable)):
        weights = [weights]
    layers = {layer.name: layer for layer in layers_inside(model)}
    paths = {variable.path: variable for variable in trainable}
    chosen = []
    for one in weights:
        one = layers.get(one, paths.get(one, one)) if isinstance(one, str) else one
        found = one.trainable_variables if isinstance(one, keras.Layer) else [one]
        if not found or not all(any(v is t for t in trainable) for v in found):
            raise ValueError(
                "weights must name layers or trainable variables of the model: layers "
                f"{', '.join(name for name, layer in layers.items() if layer.trainable_variables)}; variables "
                f"{', '.join(paths)}. Received: {getattr(one, 'name', one)!r}"
            )
        chosen += found
    if not chosen:
        raise ValueError("weights is empty: name a layer or a variable, or leave it out to sample all.")
    return chosen


def _ends_in_softmax(model: keras.Model, last: keras.Layer) -> bool:
    return any(
        isinstance(layer, keras.layers.Softmax) or getattr(layer, "activation", None) is keras.activations.softmax
        for layer in (model.layers[-1], last)
    )
