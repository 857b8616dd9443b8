"""Labels out of range, found before a network is trained on them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._internals.keras import settings_of
from keras_selfmodel._numbers import number_in, whole_number_in
from keras_selfmodel.transforms.tensors import Tensor, Tree


class LabelRange(keras.metrics.Metric):
    """The lowest and the highest label of the batches seen: no log, and kept until it is `forget`-ed."""

    def __init__(self, name: str = "label_range") -> None:
        super().__init__(name=name, dtype="float32")  # Half precision has no 2,049.
        self.lowest = self.add_variable(shape=(), initializer=keras.initializers.Constant(np.inf), name="lowest")
        self.highest = self.add_variable(shape=(), initializer=keras.initializers.Constant(-np.inf), name="highest")

    def add_batch(self, labels: Tensor, ignored: int | None, weights: Any) -> None:
        """Adds the labels of a batch, without those that the loss ignores and those whose weight is 0."""
        counted = have_weight(labels, weights)
        labels = ops.cast(labels, self.dtype)
        if ignored is not None:
            counted = ops.logical_and(counted, labels != ignored)
        self.lowest.assign(ops.minimum(self.lowest, ops.min(ops.where(counted, labels, np.inf))))
        self.highest.assign(ops.maximum(self.highest, ops.max(ops.where(counted, labels, -np.inf))))

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Nothing; see `LossParts.update_state`."""

    def reset_state(self) -> None:
        """Nothing: the next epoch must not hide what was seen."""

    def result(self) -> dict:
        return {}

    def forget(self) -> tuple[float, float]:
        """Returns the lowest and the highest label, and starts anew."""
        lowest, highest = (float(ops.convert_to_numpy(v)) for v in (self.lowest, self.highest))
        self.lowest.assign(np.inf)
        self.highest.assign(-np.inf)
        return lowest, highest


def check_labels(
    y: Tree, model: keras.Model, loss: Any, weights: Tree = None, class_weight: dict[int, float] | None = None
) -> None:
    """Raises ValueError if integer class labels given as arrays do not fit the class scores.

    Keras itself is silent on JAX, where an out-of-range label becomes a row of zeros.

    Args:
        y: Labels as passed to `fit`; anything but arrays of labels is left to Keras.
        model: A built functional or Sequential model.
        loss: The compiled loss; only sparse categorical cross-entropy takes integer labels.
        weights: Sample weights, for several outputs in a dictionary, list or tuple; see `have_weight`.
        class_weight: The weight of each class. Labels of a class of weight 0 are treated as labels of weight 0.
    """
    for found in sparse_labels(y, model, loss, weights):
        labels = found.labels
        if not hasattr(labels, "shape") or 0 in labels.shape:
            continue
        check_are_numbers(labels.shape, found.score_shape)
        dtype = getattr(labels, "dtype", None)
        ignored = [] if found.ignored is None else [found.ignored]
        # Of labels of several axes Keras takes the weights of other classes.
        if transforms.IGNORES_WRONG_LABELS and class_weight and labels.ndim - (labels.shape[-1] == 1) <= 1:
            ignored += [number for number, weight in class_weight.items() if weight == 0]
        labels = counted_labels(np.asarray(ops.convert_to_numpy(labels)), found.weights, ignored)
        if labels.size:
            check_are_classes(labels)
            if type(dtype).__module__.partition(".")[0] == "pandas":  # Not NumPy's, and Keras takes no other.
                raise ValueError(
                    "Class labels must be an array of numbers, such as y.astype(int). "
                    f"Received: labels of dtype {dtype}"
                )
            check_range(labels.min(), labels.max(), found.classes)


def counted_labels(labels: np.ndarray, weights: Any, ignored: Sequence[int]) -> np.ndarray:
    """The labels that count, in one row: their weight is not 0, and they are none of those that are ignored.

    Args:
        labels: Labels of class numbers, `(batch, ...)`.
        weights: As of `have_weight`.
        ignored: Any labels.
    """
    labels = labels[np.broadcast_to(ops.convert_to_numpy(have_weight(labels, weights)), labels.shape)]
    return labels[~np.isin(labels, ignored)] if ignored else labels


def have_weight(labels: Any, weights: Any) -> Any:
    """Which labels count because their weight is not 0; `True`, for all, if the weights do not match their shape.

    Where the backend refuses labels out of range itself, it does so whatever they weigh, and all count.

    Args:
        labels: Labels of class numbers, `(batch, ...)`.
        weights: Sample weights, `(batch,)` or `(batch, ...)`, or anything else.
    """
    shape = tuple(getattr(weights, "shape", ()))
    if len(shape) == len(labels.shape) + 1 and shape[-1] == 1:  # Which Keras drops.
        shape = shape[:-1]
    broadcast = (*shape, *(1,) * (len(labels.shape) - len(shape)))
    if (
        not transforms.IGNORES_WRONG_LABELS
        or not shape
        or len(broadcast) > len(labels.shape)
        or any(a not in (1, b) for a, b in zip(broadcast, labels.shape, strict=True))
    ):
        return True
    return ops.not_equal(ops.reshape(weights, broadcast), 0)


def check_are_numbers(labels: tuple, scores: tuple) -> None:
    """Raises ValueError if labels have the shape of the class scores: they are one-hot then, not numbers of classes.

    Args:
        labels: Shape of the labels.
        scores: Shape of the scores; `None` where it is not known.
    """
    same = len(labels) == len(scores) and all(b in (None, a) for a, b in zip(labels[1:], scores[1:], strict=True))
    if same and len(labels) > 1 and (labels[-1] or 0) > 1:
        raise ValueError(
            "Sparse categorical cross-entropy takes the number of each sample's class, and these labels are one-hot: "
            "one number for each class. Pass np.argmax(y, axis=-1), or take CategoricalCrossentropy as loss. "
            f"Received: labels of shape {tuple(labels)}, class scores of shape {tuple(scores)}"
        )


def checked_class_weight(class_weight: Any) -> dict[int, float]:
    """The weight of each class, in numbers of Python.

    Raises:
        ValueError: For anything but a dictionary of finite numbers by whole ones; Keras says that a text has no `get`,
            and classes that are no whole numbers are those of no label: it lets their weights have no effect.
    """
    given = class_weight.items() if isinstance(class_weight, Mapping) else [(None, None)]
    found = {whole_number_in(number): number_in(weight) for number, weight in given}
    if None in found or not all(weight is not None and math.isfinite(weight) for weight in found.values()):
        raise ValueError(
            "class_weight must be a dictionary of the weight of each class, such as {0: 1.0, 1: 2.5}. "
            f"Received: class_weight={class_weight!r}"
        )
    return {number: float(weight) for number, weight in found.items() if number is not None and weight is not None}


def check_are_classes(labels: np.ndarray) -> None:
    """Raises ValueError for labels that are texts or fractions, which Keras cuts off, and not numbers of classes."""
    if labels.dtype.kind == "O":  # A table's column.
        texts = [label for label in labels.flat if isinstance(label, str)]
        if not texts and labels.size:
            raise ValueError(
                "Class labels must be an array of numbers, such as y.astype(int). "
                f"Received: an array of Python objects, such as {labels.flat[0]!r}"
            )
    else:
        texts = list(labels.flat[:1]) if labels.dtype.kind in "SU" else []
    if texts:
        raise ValueError(
            "Class labels must be numbers. Number the classes first, classes, y = np.unique(y, return_inverse=True). "
            f"Received: labels such as {str(texts[0])!r}"
        )
    fractions = labels[labels != np.round(labels)] if labels.dtype.kind == "f" else labels[:0]
    fractions = fractions[np.isfinite(fractions)]
    if fractions.size:
        raise ValueError(f"Class labels must be whole numbers. Received: labels such as {fractions.flat[0]:g}")


def known_shape(labels: Any) -> tuple:
    """The shape of labels of a batch, as far as it is known while a program is recorded; else an empty one."""
    try:
        return tuple(labels.shape)
    except (AttributeError, ValueError):  # A list; a tensor of TensorFlow of any number of axes.
        return ()


def check_range(lowest: float, highest: float, classes: int) -> None:
    """Raises ValueError if the range of labels is not one of classes."""
    if not (np.isfinite(lowest) and np.isfinite(highest)) or lowest < 0 or highest >= classes:
        raise ValueError(
            f"Class labels must lie in 0 … {classes - 1}, one for each of the classifier's {classes} class "
            f"scores. Received: labels from {lowest:g} to {highest:g}"
        )


class SparseLabels(NamedTuple):
    """Labels of an output that are numbers of classes.

    Attributes:
        output: Which output it is, counted as `keras.tree.flatten` has them.
        labels: The labels, as given.
        score_shape: Shape of the class scores.
        classes: How many classes there are.
        ignored: The label that the loss ignores, or `None`.
        weights: The sample weights of this output, or `None`.
    """

    output: int
    labels: Any
    score_shape: tuple
    classes: int
    ignored: int | None
    weights: Any


def sparse_labels(y: Tree, model: keras.Model, loss: Any, weights: Tree = None) -> Iterator[SparseLabels]:
    """The labels that are numbers of classes.

    Args:
        y: As of `check_labels`.
        model: As of `check_labels`.
        loss: As of `check_labels`.
        weights: As of `check_labels`.
    """
    outputs = keras.tree.flatten(model.outputs)
    structure = getattr(model, "output", None)
    paths = list(_paths(structure)) if keras.tree.is_nested(structure) else [()]
    layers = list(getattr(model, "output_names", None) or [model.layers[-1].name])
    for number, (output, path) in enumerate(zip(outputs, paths, strict=False)):
        # Keras goes by the keys of outputs in a dictionary, else by the names of layers.
        name = None if any(isinstance(key, str) for key in path) else layers[number]
        labels = _of_output(y, number, path, name)
        # Keras takes a loss, and an array of weights, that is not given by outputs for all of them.
        by_outputs = (dict, list, tuple)
        one = _of_output(loss, number, path, name) if isinstance(loss, by_outputs) else loss
        sparse = isinstance(one, keras.losses.SparseCategoricalCrossentropy) or one in (
            "sparse_categorical_crossentropy",
            keras.losses.sparse_categorical_crossentropy,
        )
        if sparse and labels is not None:
            settings, shape = settings_of(one), tuple(output.shape)
            weight = _of_output(weights, number, path, name) if isinstance(weights, by_outputs) else weights
            classes = shape[settings.get("axis", -1)]
            yield SparseLabels(number, labels, shape, classes, settings.get("ignore_class"), weight)


def _paths(structure: Tree) -> Iterator[tuple]:
    """The keys and places that lead to each leaf, in the order of `keras.tree.flatten`."""
    if isinstance(structure, dict):
        yield from ((key, *path) for key in sorted(structure) for path in _paths(structure[key]))
    elif isinstance(structure, list | tuple):
        yield from ((place, *path) for place, one in enumerate(structure) for path in _paths(one))
    else:
        yield ()


def _of_output(values: Tree, number: int, path: tuple, name: str | None) -> Any:
    """What belongs to one of the outputs, or `None`: by its place in their structure, its number or its name."""
    if not isinstance(values, dict | list | tuple):
        return values if number == 0 else None
    if not path and len(values) == 1:
        return next(iter(values.values())) if isinstance(values, dict) else values[0]
    found: Any = values
    for key in path:
        is_there = key in found if isinstance(found, dict) else isinstance(key, int) and key < len(found or ())
        found = found[key] if is_there else None
        if not isinstance(found, dict | list | tuple):
            break
    if found is values or found is None:  # All are given in a row, or by the names of layers.
        found = values.get(name) if isinstance(values, dict) else values[number] if number < len(values) else None
    return None if isinstance(found, dict) else found


def callbacks_that_check_labels(callbacks: Any, model: keras.Model) -> Any:
    """What `fit` is given as callbacks, with one more: `model.check_labels_seen()` at the end of each epoch."""
    check = _CheckLabels()
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        return [*keras.tree.flatten(callbacks or []), check]
    check.set_model(model)
    callbacks.callbacks.append(check)
    return callbacks


class _CheckLabels(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.model.check_labels_seen()
