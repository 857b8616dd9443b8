"""Which axis of an activation counts units: the channels of an image, the features of each step of a sequence.

It is determined only where Keras's own layers say it, or for custom layers all signs agree. Else the user must give it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._internals.keras import (
    family_of_layer,
    is_functional,
    moved_axes,
)
from keras_selfmodel._layer_kernel import has_weights
from keras_selfmodel._model_calls import Call, Value
from keras_selfmodel._numbers import whole_number
from keras_selfmodel.models._layer_axes import (
    UnknownAxis,
    axis_made,
    axis_reshaped,
    inside,
    keeps_axis,
    reshapes,
    signs_of_units,
)


@dataclass(frozen=True)
class _End:
    """Where the search for an axis ended: the name of a layer or operation."""

    path: str


# What is known of an activation; `None` of the inputs, and of what only hands them on.
_Axis = int | _End | None


def checked_axis(axis: Any, axes: int) -> int:
    """An axis that may hold units, counted from the front.

    Raises:
        ValueError: If there is no such axis, or it is that of the batch.
    """
    found = whole_number("axis", axis, -axes, axes - 1) % axes
    if found == 0:
        raise ValueError(f"axis must not be the axis of the batch. Received: axis={axis!r}")
    return found


def axis_of_units(graph: ClassifierGraph, value: Value, where: str) -> int:
    """The axis of the units that a layer made, wherever it was moved since, counted from the front.

    Keras's layers make units where their `data_format` says, or last. So do custom layers with weights, if this and the
    sizes of these weights leave no choice; such a layer that keeps the shape must have them where those are that it is
    given. Everything else hands on the units that it is given.

    Args:
        graph: The classifier.
        value: The activation.
        where: What it is called in the error.

    Raises:
        ValueError: If no layer made units, if it is not known what something between does with the axes, or what is put
            together has its units on different ones.
    """
    if len(value.shape) <= 2:
        return len(value.shape) - 1
    found = _axes_before(graph, value).get(id(value))
    if isinstance(found, int):
        return found
    reason = "no layer has made them" if found is None else f"the search ended at {found.path!r}"
    raise ValueError(
        f"The axis that holds the units of {where} cannot be determined: {reason}. Pass axis=…, counted with the "
        f"batch. Received: shape {value.shape}"
    )


def _axes_before(graph: ClassifierGraph, value: Value) -> dict[int, _Axis]:
    """What is known of a value, and of all that it is computed from, by their ids."""
    wanted = {id(value)}
    for call in reversed(graph.calls):
        if not call.opened and any(id(one) in wanted for one in call.outputs):
            wanted.update(map(id, call.inputs))
    found: dict[int, _Axis] = {}
    for call in graph.calls:
        for one in () if call.opened else call.outputs:
            if id(one) in wanted:
                try:
                    found[id(one)] = _axis(call, one, found)
                except UnknownAxis as unknown:
                    found[id(one)] = unknown.end or _End(call.path)
    return found


def _axis(call: Call, value: Value, found: dict[int, _Axis]) -> int | None:
    """The axis of what a call puts out, given what is known of its inputs.

    Raises:
        UnknownAxis: If it cannot be determined.
    """
    layer, steps = inside(call.operation)
    if value is not call.outputs[0] and family_of_layer(layer) != "rnn":
        raise UnknownAxis  # The scores of attention, for one.
    shape = (value.shape[0], *value.shape[1 + steps :])
    if not _is_custom(layer) or not has_weights(layer):
        made = _axis_in_model(layer) if _is_model(layer) else axis_made(layer, shape)
        return _axis_handed_on(call, value, found) if made is None else made + steps
    kept = any(one.shape[1:] == value.shape[1:] for one in call.inputs)
    handed_on = _axis_handed_on(call, value, found) if kept else None
    inputs = [(one.shape[0], *one.shape[1 + steps :]) for one in call.inputs]
    signs = {sign + steps for sign in signs_of_units(layer, inputs, shape)} | ({handed_on} - {None})
    if len(signs) != 1 or (kept and handed_on is None):
        raise UnknownAxis
    return signs.pop()


def _is_model(layer: Any) -> bool:
    return is_functional(layer) or isinstance(layer, keras.Sequential)


def _is_custom(layer: Any) -> bool:
    return isinstance(layer, keras.Layer) and family_of_layer(layer) is None and not _is_model(layer)


def _axis_in_model(model: keras.Model) -> int:
    """The axis of what a model puts out that is applied to each step."""
    try:
        graph = ClassifierGraph.of(model)
        (value,) = graph.output_values
    except ValueError:  # It has a `call` of its own, or several outputs.
        raise UnknownAxis from None
    found = _axes_before(graph, value).get(id(value))
    if not isinstance(found, int):
        raise UnknownAxis
    return found


def _axis_handed_on(call: Call, value: Value, found: dict[int, _Axis]) -> int | None:
    """Where the units are now that a call was given; `None` if it was given none."""
    layer, steps = inside(call.operation)
    shape = value.shape
    known = [(one.shape, axis) for one in call.inputs if (axis := _known(one, found)) is not None]
    if not known:
        return None
    if all(axis <= steps for _, axis in known):  # The layer sees one step, and none of these axes.
        return _only(axis for _, axis in known)
    if reshapes(layer):
        ((source, axis),) = known
        return len(shape) - 1 if len(shape) - steps == 2 else axis_reshaped(source, axis, shape)
    alike = [(source, axis) for source, axis in known if len(source) == len(shape)]
    if not alike:
        flat = len(shape) - steps == 2 and family_of_layer(layer) == "pooling"
        if not flat and not isinstance(layer, keras.layers.RepeatVector):
            raise UnknownAxis
        return len(shape) - 1
    axis = _only(axis for _, axis in alike)
    moved = moved_axes(call.operation, len(shape))
    if moved is not None:
        return moved.index(axis)
    repeated = shape[axis] != 1 and all(source[axis] == 1 for source, _ in alike)
    sources = [one.shape for one in call.inputs if len(one.shape) == len(shape)]
    if repeated or not keeps_axis(layer, steps, sources, shape, axis):
        raise UnknownAxis
    return axis


def _only(axes: Iterable[int]) -> int:
    first, *others = set(axes)
    if others:
        raise UnknownAxis
    return first


def _known(value: Value, found: dict[int, _Axis]) -> int | None:
    """The axis of what a call is given."""
    axis = found.get(id(value))
    if isinstance(axis, _End):
        raise UnknownAxis(axis)
    return axis
