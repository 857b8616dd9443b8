"""Which loss is measured: what was given, what the model was compiled with, or what its outputs and labels suggest."""

from typing import Any, Literal, NamedTuple

import keras
import numpy as np

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._internals.keras import loss_weights_of
from keras_selfmodel.rlct.losses.argument_order import check_order, doubt_about_order, name_of_loss
from keras_selfmodel.rlct.losses.of_outputs import check_names
from keras_selfmodel.rlct.losses.sample_loss import SampleLoss
from keras_selfmodel.rlct.losses.task_loss import Part, TaskLoss, found_at
from keras_selfmodel.transforms.tensors import Tree

# Sums of probabilities, in whatever precision they were computed.
SUM_TO_ONE = 1e-3
# What shows whether outputs are probabilities.
BY_ACTIVATION, BY_LAYER, BY_VALUES = "by the last activation", "by the last layer", "by their values"


class ChosenLoss(NamedTuple):
    """A loss, and how it was chosen.

    Attributes:
        task: The loss.
        origin: Whether the user gave it, the model was compiled with it, or neither.
        description: What it is and why, in words.
        doubts: What the user should check, in sentences.
    """

    task: TaskLoss
    origin: Literal["given", "compiled", "suggested"]
    description: str
    doubts: tuple[str, ...] = ()


def chosen_loss(
    model: keras.Model | None, measured: keras.Model | None, given: Any, scores: Tree, y: Tree
) -> ChosenLoss:
    """Finds the loss.

    Args:
        model: The model that the user passed; it may be compiled. `None`: no Keras model.
        measured: The model that is measured: itself, or its classifier.
        given: The user's `loss`, or `None`.
        scores: Outputs of the measured model for some samples, a tree of tensors.
        y: All labels, a tree of arrays.
    """
    scores = keras.tree.map_structure(keras.ops.convert_to_numpy, scores)
    compiled = given is None and model is not None and model.compiled and model.loss is not None
    loss = model.loss if model is not None and compiled else given
    outputs = keras.tree.flatten(scores)
    if model is not None:
        for one in _leaves(loss):
            check_order(one)
    if loss is None:
        if len(outputs) > 1:
            raise ValueError(
                f"The model has {len(outputs)} outputs and no loss. Pass loss= as to compile, one for each output, or "
                "compile the model."
            )
        labels = keras.ops.convert_to_numpy(keras.tree.flatten(y)[0])
        loss, description, doubts = _suggested(measured, outputs[0], labels)
        return ChosenLoss(TaskLoss.of(loss), "suggested", description, doubts)
    check_names("loss", loss, measured, scores)
    factors = loss_weights_of(model) if compiled else None
    origin: Literal["given", "compiled"] = "compiled" if compiled else "given"
    if len(outputs) == 1:
        losses = [one for one in _leaves(loss) if one is not None]
        if len(losses) != 1:
            raise ValueError(f"The model has one output, and needs one loss. Received: loss={loss!r}")
        (factor,) = [*_leaves(factors), 1.0][:1]
        one = _named(losses[0], keras.tree.flatten(y)[0], outputs[0])
        part = Part(None, SampleLoss(one), 1.0 if factor is None else float(factor))
        return ChosenLoss(
            TaskLoss((part,)), origin, f"{name_of_loss(one)} ({origin})", _doubts(origin, [part], y, scores)
        )
    parts = []
    names = getattr(measured, "output_names", None)
    for number, (path, output) in enumerate(keras.tree.flatten_with_path(scores)):
        name = path[0] if isinstance(path[0], str) else names[number] if names else None
        one, factor = (_at(tree, path if len(path) > 1 else (number,), name) for tree in (loss, factors))
        if one is not None:
            part = Part(path, SampleLoss("mse"), 1.0 if factor is None else float(factor), name)
            labels = part.of(y)
            if labels is None:
                held = ", ".join(map(repr, y)) if isinstance(y, dict) else f"the first {len(y)} outputs"
                raise ValueError(f"y has no labels of output {part.where}, which has a loss. Received: y for {held}")
            parts.append(part._replace(loss=SampleLoss(_named(one, labels, output))))
    if not parts:
        raise ValueError(f"None of the model's outputs has a loss. Received: loss={loss!r}")
    names = ", ".join(f"{part.factor:g} · {name_of_loss(part.loss.loss)} of output {part.where}" for part in parts)
    return ChosenLoss(TaskLoss(tuple(parts)), origin, f"{names} ({origin})", _doubts(origin, parts, y, scores))


def _doubts(origin: str, parts: list[Part], y: Tree, scores: Tree) -> tuple[str, ...]:
    if origin == "compiled":
        return ()  # Keras trained on what the same call returns.
    return tuple(doubt for part in parts for doubt in doubt_about_order(part.loss.loss, part.of(y), part.of(scores)))


def _suggested(model: keras.Model | None, scores: np.ndarray, y: np.ndarray) -> tuple[Any, str, tuple[str, ...]]:
    """The loss of a model without one: by its last operation or, where that does not show it, by its outputs."""
    unit = scores.shape[-1] == 1 or scores.ndim == 1
    probabilities, why = are_probabilities(model, scores, unit)
    outputs = f"probabilities, {why}" if probabilities else f"logits, {why}"
    zero_or_one = np.isin(y, (0, 1)).all()
    if not unit and y.shape[1:] in (scores.shape[1:-1], (*scores.shape[1:-1], 1)):
        name, kind = "SparseCategoricalCrossentropy", "class numbers"
    elif zero_or_one and unit:
        name, kind = "BinaryCrossentropy", "0 and 1"
    elif zero_or_one and y.shape[1:] == scores.shape[1:]:
        one_hot = (y.sum(axis=-1) == 1).all()
        name, kind = ("CategoricalCrossentropy", "one-hot") if one_hot else ("BinaryCrossentropy", "zeros and ones")
        if not one_hot and not _ends_in(model, "softmax"):
            probabilities = bool((scores >= 0).all() and (scores <= 1).all())
            outputs = "probabilities" if probabilities else "logits"
    else:
        sentence = (
            "The model is not compiled, and its labels are not classes: the mean squared error is measured. Pass loss= "
            "if it was trained on another."
        )
        return keras.losses.MeanSquaredError(), "MeanSquaredError (labels are no classes)", (sentence,)
    loss = getattr(keras.losses, name)(from_logits=not probabilities)
    return loss, f"{name} (labels are {kind}, outputs {outputs}; pass loss= for another)", ()


def are_probabilities(model: keras.Model | None, scores: np.ndarray, unit: bool) -> tuple[bool, str]:
    """Whether outputs are probabilities, and what shows it.

    Args:
        model: The model whose last operation is looked at; `None` where there is none to look at.
        scores: Its outputs for some samples, `(samples, ..., classes)`.
        unit: Whether each output is a single number, of two classes.

    Returns:
        What they are, and one of `BY_ACTIVATION`, `BY_LAYER` and, where the model does not show it, `BY_VALUES`.
    """
    if _ends_in(model, "softmax" if not unit else "sigmoid"):
        return True, BY_ACTIVATION
    if _ends_in(model, "linear"):
        return False, BY_LAYER
    within = bool((scores >= 0).all() and (scores <= 1 + SUM_TO_ONE).all())
    if unit:
        return within, BY_VALUES
    sums = scores.sum(axis=-1, dtype=np.float64)
    return within and bool((np.abs(sums - 1) < SUM_TO_ONE).all()), BY_VALUES


def _ends_in(model: keras.Model | None, activation: str) -> bool:
    """Whether the last operation is known to be this activation, or a dense layer without one ("linear")."""
    last = model
    while isinstance(last, keras.Model):
        try:
            last = ClassifierGraph.of(last).last_operation
        except ValueError:  # A subclassed model hides its layers.
            return False
    if activation == "softmax" and isinstance(last, keras.layers.Softmax):
        return True
    if activation == "linear" and not hasattr(last, "kernel"):
        return False
    return getattr(last, "activation", None) is getattr(keras.activations, activation)


def _named(loss: Any, y: Tree, scores: Tree) -> Any:
    """Keras's short name for the cross-entropy that fits the labels' shape."""
    if not isinstance(loss, str) or loss.lower() not in ("crossentropy", "ce"):
        return loss
    if len(scores.shape) == len(y.shape) and scores.shape[-1] == 1:
        return "binary_crossentropy"
    sparse = len(y.shape) < len(scores.shape) or (y.shape[-1] == 1 and scores.shape[-1] > 1)
    return "sparse_categorical_crossentropy" if sparse else "categorical_crossentropy"


def _leaves(tree: Tree) -> list:
    if isinstance(tree, dict):
        return list(tree.values())
    return list(tree) if isinstance(tree, (list, tuple)) else [tree]


def _at(tree: Tree, path: tuple, name: str | None) -> Any:
    """What a structure like that of the outputs, a dict of names or a single value has for one output."""
    return tree.get(name) if isinstance(tree, dict) and len(path) == 1 else found_at(tree, path)
