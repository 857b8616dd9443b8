"""How a network's outputs and labels are read as classes."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from keras_selfmodel._internals.keras import function_of_loss, settings_of
from keras_selfmodel.rlct.losses import TaskLoss
from keras_selfmodel.rlct.losses.choosing import BY_ACTIVATION, BY_VALUES, are_probabilities
from keras_selfmodel.transforms.tensors import Tree

LabelKind = Literal["numbers", "one-hot", "yes or no"]
OutputKind = Literal["probabilities", "logits"]
LABEL_KINDS: dict[Callable, LabelKind] = {
    keras.losses.sparse_categorical_crossentropy: "numbers",
    keras.losses.categorical_crossentropy: "one-hot",
    keras.losses.categorical_focal_crossentropy: "one-hot",
    keras.losses.binary_crossentropy: "yes or no",
    keras.losses.binary_focal_crossentropy: "yes or no",
}
"""Keras's losses of classes, by function, and the labels they take."""


@dataclass(frozen=True)
class EntryClasses:
    """The classes of entries (one for each sample, or one for each token or pixel) that count in the loss.

    Attributes:
        predictions: Class numbers that the network gives, `(entries,)`.
        labels: Class numbers, `(entries,)`.
        probabilities: Of each class, `(entries, classes)`; `None` where the outputs may be something else.
    """

    predictions: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray | None


@dataclass(frozen=True)
class ClassConvention:
    """What the labels and outputs of a network are.

    Attributes:
        label_kind: Class numbers, one-hot, or 0 and 1 for a single output.
        output_kind: What the outputs are; `None` where nobody knows.
    """

    label_kind: LabelKind
    output_kind: OutputKind | None

    def read(self, scores: np.ndarray, y: np.ndarray, counted: np.ndarray) -> EntryClasses | None:
        """The classes of the entries that count; `None` if the labels are no classes, or no entry counts.

        Args:
            scores: Outputs, `(samples, ..., classes)`.
            y: Labels.
            counted: As `SampleLoss.counted`.
        """
        width = 1 if self.label_kind == "yes or no" else scores.shape[-1]
        values, kept = scores.astype(np.float64).reshape(-1, width), counted.ravel() > 0
        if len(kept) != len(values):  # A loss that is no mean over these entries.
            return None
        values, truth = values[kept], y.reshape(len(kept), -1)[kept]
        labels = truth.argmax(axis=1) if self.label_kind == "one-hot" else truth[:, 0]
        if not labels.size or not np.isin(labels, np.arange(max(width, 2))).all():
            return None
        predictions = (
            values.argmax(axis=1) if width > 1 else values[:, 0] > (0 if self.output_kind == "logits" else 0.5)
        )
        return EntryClasses(predictions.astype(int), labels.astype(int), self._probabilities(values))

    def _probabilities(self, values: np.ndarray) -> np.ndarray | None:
        if self.output_kind is None or (self.output_kind == "probabilities" and not (values >= 0).all()):
            return None
        if values.shape[1] == 1:
            yes = 1 / (1 + np.exp(-np.clip(values, -700, 700))) if self.output_kind == "logits" else values
            return np.concatenate([1 - yes, yes], axis=1)
        if self.output_kind == "logits":
            values = np.exp(values - values.max(axis=1, keepdims=True))
        return values / values.sum(axis=1, keepdims=True)


def class_convention(model: keras.Model, task: TaskLoss, scores: Tree, y: Tree) -> ClassConvention | None:
    """How to read classes: as a loss of Keras's own says or, for any other loss, as outputs and labels show.

    Args:
        model: The network.
        task: Its loss.
        scores: Its outputs for some samples.
        y: Labels of all samples.

    Returns:
        How; `None` where there is no single output of classes, or nobody can know.
    """
    if len(task.parts) != 1 or len(keras.tree.flatten(scores)) != 1:
        return None
    outputs, labels = (keras.ops.convert_to_numpy(task.parts[0].of(tree)) for tree in (scores, y))
    unit = outputs.ndim == 1 or outputs.shape[-1] == 1
    kind = _kind_of(labels, outputs, unit)
    function, settings = _function_and_settings(task.parts[0].loss.loss)
    if kind is None or settings.get("axis", -1) not in (-1, outputs.ndim - 1):
        return None
    if function in LABEL_KINDS:
        declared: OutputKind = "logits" if settings.get("from_logits") else "probabilities"
        return ClassConvention(kind, declared) if kind == LABEL_KINDS[function] else None
    if str(getattr(function, "__module__", None)).startswith("keras."):
        return None
    probabilities, why = are_probabilities(model, outputs, unit)
    if unit:  # A linear output may be any number.
        return ClassConvention(kind, "probabilities") if probabilities and why == BY_ACTIVATION else None
    if kind == "one-hot" and not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=-1) == 1).all()):
        return None
    if not probabilities and why == BY_VALUES:
        return ClassConvention(kind, None)
    return ClassConvention(kind, "probabilities" if probabilities else "logits")


def _kind_of(labels: np.ndarray, outputs: np.ndarray, unit: bool) -> LabelKind | None:
    if unit:
        # As many labels as outputs per sample: labels are of all samples, outputs of the first few only.
        return "yes or no" if labels.size * outputs.shape[0] == outputs.size * labels.shape[0] else None
    if labels.shape[1:] in (outputs.shape[1:-1], (*outputs.shape[1:-1], 1)):
        return "numbers"
    return "one-hot" if labels.shape[1:] == outputs.shape[1:] else None


def _function_and_settings(loss: keras.losses.Loss) -> tuple[Any, dict]:
    """The function that computes a loss, and the arguments that are passed to it."""
    function: Any = function_of_loss(loss) or getattr(loss, "function", None)
    settings = dict(settings_of(loss))
    while isinstance(function, functools.partial):
        function, settings = function.func, {**function.keywords, **settings}
    return function, settings
