"""Which axis of an activation counts units: the channels of an image, the features of each step of a sequence.

It is told only where Keras's own layers, or the sizes of the axes, leave no doubt. Else the user is asked.
"""

import math
from typing import Any

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._internals.keras import family_of_layer, is_functional, kind_of_operation, moved_axes
from keras_selfmodel._layer_kernel import has_weights
from keras_selfmodel._model_calls import Call, Value
from keras_selfmodel._numbers import whole_number

# Operations of `keras.ops` that leave every axis in its place, whatever the sizes: they work on elements or reduce axes
# that they keep.
_AXES_STAY = frozenset(
    (
        "Add Subtract Multiply Divide TrueDivide Maximum Minimum Power Negative Absolute Square Sqrt Exp Log Tanh Clip "
        "Where Cast StopGradient Relu Relu6 Sigmoid Softplus Softsign Silu LogSigmoid LeakyRelu HardSigmoid HardSilu "
        "Elu Selu Gelu Celu Softmax LogSoftmax Concatenate Mean Sum Max Min Std Var"
    ).split()
)
_RESHAPING = frozenset(("Reshape", "Squeeze", "ExpandDims"))
_HAND_ON = ("activations", "merging", "normalization", "regularization")


class _UnknownAxis(Exception):
    """Of an activation it cannot be told.

    Attributes:
        path: The layer or operation at which the search ended.
    """

    path: str | None = None


_Axis = int | _UnknownAxis | None  # `None` of the inputs, and of what hands them on.


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

    Keras's layers make units where their `data_format` says, or last. So do custom layers that change the shape, if
    they have a `data_format`, or weights and the last axis alone is as long as these are. Everything else hands on the
    units that it is given, if it is known to leave the axes in place, says where it moves them, or the sizes tell.

    Args:
        graph: The classifier.
        value: The activation.
        where: What it is called in the error.

    Raises:
        ValueError: If no layer made units, if something does not say what it does with the axes, or what is put
            together has its units on different ones.
    """
    if len(value.shape) <= 2:
        return len(value.shape) - 1
    found = _axes_in(graph).get(id(value))
    if isinstance(found, int):
        return found
    reason = "no layer has made them" if found is None else f"the search ended at {found.path!r}"
    raise ValueError(
        f"Which axis of {where}, of shape {value.shape}, holds its units cannot be told: {reason}. Say it by axis=…"
    )


def _axes_in(graph: ClassifierGraph) -> dict[int, _Axis]:
    """The axes of all that the calls of a model put out, by the ids of the values."""
    found: dict[int, _Axis] = {}
    for call in graph.calls:
        for value in () if call.opened else call.outputs:
            try:
                found[id(value)] = _axis(call, value, found)
            except _UnknownAxis as unknown:
                unknown.path = unknown.path or call.path
                found[id(value)] = unknown
    return found


def _axis(call: Call, value: Value, found: dict[int, _Axis]) -> int | None:
    """The axis of what a call puts out, given those of what calls before it put out.

    Raises:
        _UnknownAxis: If it cannot be told.
    """
    operation, axes = call.operation, len(value.shape)
    made = None if _is_custom_and_keeps_shape(call, value) else _axis_made(operation, value.shape)
    if made is not None:
        if value is not call.outputs[0] and family_of_layer(operation) != "rnn":
            raise _UnknownAxis  # The scores of attention, for one.
        return made
    if isinstance(operation, keras.layers.Reshape | keras.layers.Flatten) or kind_of_operation(operation) in _RESHAPING:
        (source,) = call.inputs
        return _axis_reshaped(source.shape, _known(found.get(id(source))), value.shape)
    sources = [one for one in call.inputs if len(one.shape) == axes]
    if not sources:
        return _axis_of_fewer_or_more(operation, axes)
    told = {axis for axis in (_known(found.get(id(one))) for one in sources) if axis is not None}
    if not told:
        return None
    axis = told.pop()
    moved = moved_axes(operation, axes)
    if told or (moved is None and not _stays(operation, [one.shape for one in sources], value.shape, axis)):
        raise _UnknownAxis
    return axis if moved is None else moved.index(axis)


def _known(axis: _Axis) -> int | None:
    if isinstance(axis, _UnknownAxis):
        raise axis
    return axis


def _axis_made(layer: Any, shape: tuple) -> int | None:
    """The axis of the units that a layer makes of its own; `None` if it hands on those that it is given."""
    last = len(shape) - 1
    if isinstance(layer, keras.layers.TimeDistributed):
        inside = _axis_made(layer.layer, (shape[0], *shape[2:]))
        return None if inside is None else inside + 1
    if isinstance(layer, keras.layers.SpectralNormalization):
        return _axis_made(layer.layer, shape)
    if is_functional(layer) or isinstance(layer, keras.Sequential):
        graph = ClassifierGraph.of(layer)
        inside = _known(_axes_in(graph).get(id(graph.output_values[0])))
        if inside is None:
            raise _UnknownAxis
        return inside
    match family_of_layer(layer):
        case "convolutional" | "rnn":
            if isinstance(layer, keras.layers.Bidirectional):
                layer = layer.forward_layer
            return 1 if getattr(layer, "data_format", None) == "channels_first" else last
        case "attention":
            return last
        case "core" if isinstance(layer, keras.layers.EinsumDense):
            return _axis_of_equation(layer.equation, len(shape))
        case "core" if isinstance(layer, keras.layers.Dense | keras.layers.Embedding):
            return last
        case None if getattr(layer, "data_format", None) is not None:
            return 1 if layer.data_format == "channels_first" else last
        case None if has_weights(layer):
            if _as_long_as_weights(layer, shape) != [last]:
                raise _UnknownAxis
            return last
    return None


def _axis_of_equation(equation: str, axes: int) -> int | None:
    """The one axis of what an `EinsumDense` puts out that its input does not have."""
    given, made = equation.split(",")[0], equation.split("->")[1]
    own = [place - len(made) for place, letter in enumerate(made) if letter not in given]
    if not own and given == made:
        return None
    if len(own) != 1:
        raise _UnknownAxis
    return own[0] % axes


def _is_custom_and_keeps_shape(call: Call, value: Value) -> bool:
    """Whether it is a custom layer that may well add to what it is given, as blocks do, or scale it."""
    layer, _ = _inside(call.operation)
    is_model = is_functional(layer) or isinstance(layer, keras.Sequential)
    kept = any(one.shape[1:] == value.shape[1:] for one in call.inputs)
    return kept and value is call.outputs[0] and family_of_layer(layer) is None and not is_model


def _inside(operation: Any) -> tuple[Any, int]:
    """The layer that is applied to each step, and in how many `TimeDistributed`s it lies."""
    steps = 0
    while isinstance(operation, keras.layers.TimeDistributed):
        operation, steps = operation.layer, steps + 1
    return operation, steps


def _as_long_as_weights(layer: keras.Layer, shape: tuple) -> list[int]:
    """The axes that are as long as the last axis of one of a layer's weights, which for kernels is that of units."""
    lengths = {weight.shape[-1] for weight in layer.weights if math.prod(weight.shape) > 1}
    return [axis for axis, size in enumerate(shape) if axis and size in lengths]


def _axis_reshaped(source: tuple, axis: int | None, shape: tuple) -> int | None:
    """Where an axis is after reshaping: the one of its size behind which there is as much as there was behind it."""
    if axis is None:
        return None
    if len(shape) == 2:
        return 1
    fits = [
        place
        for place in range(1, len(shape))
        if shape[place] == source[axis] and _places(shape[place + 1 :]) == _places(source[axis + 1 :])
    ]
    if len(fits) != 1 or None in (source[axis], _places(source[axis + 1 :])):
        raise _UnknownAxis
    return fits[0]


def _places(sizes: tuple) -> int | None:
    return None if None in sizes else math.prod(sizes)


def _axis_of_fewer_or_more(operation: Any, axes: int) -> int:
    """The axis of what has another number of axes than anything that it was computed from."""
    flat = axes == 2 and family_of_layer(operation) in ("pooling", "reshaping")
    repeated = isinstance(operation, keras.layers.RepeatVector)
    each_step = axes == 3 and isinstance(operation, keras.layers.TimeDistributed)
    if not (flat or repeated or each_step):
        raise _UnknownAxis
    return axes - 1


def _stays(operation: Any, sources: list[tuple], shape: tuple, axis: int) -> bool:
    """Whether an operation is known to have left this axis in its place, or the sizes show it."""
    operation, steps = _inside(operation)
    family = family_of_layer(operation)
    if family in ("pooling", "reshaping"):  # Where they see channels, as convolutions do.
        first = getattr(operation, "data_format", None) == "channels_first"
        return axis == (1 + steps if first else len(shape) - 1)
    known = family in _HAND_ON or isinstance(operation, keras.layers.Identity | keras.layers.Masking)
    if (known and not isinstance(operation, keras.layers.Dot)) or kind_of_operation(operation) in _AXES_STAY:
        return True
    last = len(shape) - 1
    if axis != last and has_weights(operation) and _as_long_as_weights(operation, shape) == [last]:
        return False  # It may have made units of its own, as many as there were.
    return all(one[1:] == shape[1:] for one in sources) and shape[1:].count(shape[axis]) == 1
