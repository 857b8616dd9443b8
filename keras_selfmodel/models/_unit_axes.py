"""Which axis of an activation counts units: the channels of an image, the features of each step of a sequence."""

from typing import Any

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._internals.keras import is_functional, moved_axes
from keras_selfmodel._layer_kernel import has_weights, unwrapped
from keras_selfmodel._model_calls import Value
from keras_selfmodel._numbers import whole_number

# Layers of Keras that put out units of their own, on the last axis.
_ATTENTION = (
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
    keras.layers.Attention,
    keras.layers.AdditiveAttention,
)
_MAKE_UNITS = (keras.layers.Dense, keras.layers.Embedding, keras.layers.RNN, *_ATTENTION)


class _UnknownAxis(Exception):
    """Of an activation it cannot be told."""


def checked_axis(axis: Any, axes: int) -> int:
    """An axis that may hold units, counted from the front.

    Raises:
        ValueError: If there is no such axis, or it is that of the batch.
    """
    found = whole_number("axis", axis, -axes, axes - 1) % axes
    if found == 0:
        raise ValueError(f"axis must be another one than that of the batch. Received: axis={axis!r}")
    return found


def axis_of_units(graph: ClassifierGraph, value: Value, where: str) -> int:
    """The axis of the units that a layer made, wherever it was moved since, counted from the front.

    Layers of Keras make units where their `data_format` says, or last; other layers that have weights make them last.
    What leaves the number of axes as it is hands them on, moved as it says.

    Args:
        graph: The classifier.
        value: The activation.
        where: What it is called in the error.

    Raises:
        ValueError: If something between changes the axes and does not say how, or inputs are put together whose units
            lie on different axes.
    """
    try:
        return _Search(graph, of_inputs=True).axis(value)
    except _UnknownAxis:
        raise ValueError(
            f"Which axis of {where}, of shape {value.shape}, holds its units cannot be told. Say it by axis=…"
        ) from None


class _Search:
    """Looks for the axis upstream of a value, each value once.

    Args:
        graph: The classifier, or a model inside one of its layers.
        of_inputs: Whether the inputs have the layout that Keras has; else theirs is unknown.
    """

    def __init__(self, graph: ClassifierGraph, *, of_inputs: bool) -> None:
        self._graph, self._of_inputs = graph, of_inputs
        self._found: dict[int, int] = {}

    def axis(self, value: Value) -> int:
        if id(value) not in self._found:
            self._found[id(value)] = self._axis(value)
        return self._found[id(value)]

    def _axis(self, value: Value) -> int:
        axes = len(value.shape)
        if axes <= 2:
            return axes - 1
        call = self._graph.producers.get(id(value))
        if call is None:
            if not self._of_inputs:
                raise _UnknownAxis
            images = axes > 3 and keras.config.image_data_format() == "channels_first"
            return 1 if images else axes - 1
        if value is not call.outputs[0] and isinstance(call.operation, _ATTENTION):
            raise _UnknownAxis  # Its scores.
        made = _axis_made(call.operation, axes)
        if made is not None:
            return made
        sources = [one for one in call.inputs if len(one.shape) == axes]
        if not sources:
            # The layout that Keras has of what is made of the units of a dense layer, as in generators.
            folds = type(call.operation).__name__ == "Reshape" and value.shape[-1] != 1
            if any(len(one.shape) != 2 or not (folds or one.shape[-1] == value.shape[-1]) for one in call.inputs):
                raise _UnknownAxis
            return axes - 1
        moved = moved_axes(call.operation, axes)
        if moved is None:
            raise _UnknownAxis
        found = {moved.index(self.axis(one)) for one in sources}
        if len(found) > 1 or not _keeps_order(call.operation, sources, value, *found):
            raise _UnknownAxis
        return found.pop()


def _axis_made(layer: Any, axes: int) -> int | None:
    """The axis of the units that a layer makes of its own; `None` if it hands on those that it is given."""
    if isinstance(layer, keras.layers.TimeDistributed):
        inside = _axis_made(layer.layer, axes - 1)
        return None if inside is None else inside + 1
    if is_functional(layer) or isinstance(layer, keras.Sequential):
        graph = ClassifierGraph.of(layer)
        return _Search(graph, of_inputs=False).axis(graph.output_values[0])
    inside = unwrapped(layer)
    if isinstance(inside, keras.layers.Bidirectional):
        inside = inside.forward_layer
    if isinstance(inside, keras.layers.EinsumDense):
        return _axis_of_equation(inside.equation, axes)
    data_format = getattr(inside, "data_format", None)
    if data_format is not None and axes > 2:
        return 1 if data_format == "channels_first" else axes - 1
    of_its_own = isinstance(inside, _MAKE_UNITS) if _is_of_keras(inside) else has_weights(inside)
    return axes - 1 if of_its_own else None


def _axis_of_equation(equation: str, axes: int) -> int:
    """The one axis of what an `EinsumDense` puts out that its input does not have."""
    given, made = equation.split(",")[0], equation.split("->")[1]
    own = [place - len(made) for place, letter in enumerate(made) if letter not in given]
    if len(own) != 1:
        raise _UnknownAxis
    return own[0] % axes


def _keeps_order(operation: Any, sources: list[Value], value: Value, axis: int) -> bool:
    """Whether an operation without units of its own is known to have moved no axis, or the sizes show it."""
    if _is_of_keras(operation) and not isinstance(operation, keras.layers.Lambda):
        return True
    sizes = tuple(value.shape[1:])
    return all(tuple(one.shape[1:]) == sizes for one in sources) and sizes.count(value.shape[axis]) == 1


def _is_of_keras(operation: Any) -> bool:
    return type(operation).__module__.startswith("keras.")
