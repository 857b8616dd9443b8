"""What one layer or operation does with the axes of what it is given, of which one counts units."""

import math
from typing import Any

import keras

from keras_selfmodel._internals.keras import family_of_layer, kind_of_operation, layers_directly_inside, layers_inside
from keras_selfmodel._layer_kernel import fits_elements, has_matrix, has_weights

# Operations of `keras.ops` that leave every axis in its place, whatever the sizes: they work on elements or reduce axes
# that they keep.
_OPERATIONS_THAT_KEEP_AXES = frozenset(
    (
        "Add Subtract Multiply Divide TrueDivide Maximum Minimum Power Negative Absolute Square Sqrt Exp Log Tanh Clip "
        "Where Cast StopGradient Relu Relu6 Sigmoid Softplus Softsign Silu LogSigmoid LeakyRelu HardSigmoid HardSilu "
        "Elu Selu Gelu Celu Softmax LogSoftmax Concatenate Pad Mean Sum Max Min Std Var"
    ).split()
)
_RESHAPING = frozenset(("Reshape", "Squeeze", "ExpandDims"))
_FAMILIES_THAT_KEEP_AXES = ("activations", "merging", "normalization", "regularization")
# Layers of other families that see units on the last axis, or where their `data_format` says.
_SEE_UNITS = (
    *(keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.Cropping3D),
    *(keras.layers.UpSampling1D, keras.layers.UpSampling2D, keras.layers.UpSampling3D),
    *(keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D),
    *(keras.layers.Attention, keras.layers.AdditiveAttention),
)


class UnknownAxis(Exception):
    """The axis of units cannot be determined.

    Args:
        end: Whatever stands for where the search for it ended before; `None` if it ends here.
    """

    def __init__(self, end: Any = None) -> None:
        super().__init__()
        self.end = end


def axis_made(layer: Any, shape: tuple) -> int | None:
    """The axis of the units that a layer of Keras makes; `None` if it hands on those that it is given.

    Args:
        layer: A layer, or any other operation.
        shape: Of what it puts out.

    Raises:
        UnknownAxis: If it makes units on several axes, or none that can be told from the axes that it is given.
    """
    layer, steps = inside(layer)
    if steps:
        axis = axis_made(layer, (shape[0], *shape[1 + steps :]))
        return None if axis is None else axis + steps
    last = len(shape) - 1
    if isinstance(layer, keras.layers.Bidirectional):
        layer = layer.forward_layer
    match family_of_layer(layer):
        case "convolutional" | "rnn":
            return _axis_of_channels(layer, shape)
        case "attention" if not isinstance(layer, _SEE_UNITS):
            made = layer.get_config().get("output_shape")
            if isinstance(made, list | tuple) and len(made) > 1:
                raise UnknownAxis
            return last
        case "core" if isinstance(layer, keras.layers.EinsumDense):
            return _axis_of_equation(layer.equation, len(shape))
        case "core" if isinstance(layer, keras.layers.Dense | keras.layers.Embedding):
            return last
        case "preprocessing" if has_weights(layer):  # A pipeline may hold any layer.
            raise UnknownAxis
    return None


def _axis_of_equation(equation: str, axes: int) -> int | None:
    """The one axis of what an `EinsumDense` puts out that its input does not have."""
    given, made = equation.split(",")[0], equation.split("->")[1]
    made_only = [place - len(made) for place, letter in enumerate(made) if letter not in given]
    if not made_only and given == made:
        return None
    if len(made_only) != 1 or made.find("...") > 0:
        raise UnknownAxis
    return made_only[0] % axes


def signs_of_units(layer: keras.Layer, inputs: list[tuple], shape: tuple) -> set[int]:
    """Where a custom layer may have made units: where layers of Keras inside it make theirs, or its weights fit.

    Args:
        layer: The layer.
        inputs: Shapes of what it is given.
        shape: Of what it puts out.

    Returns:
        The axes. There are none of a layer that keeps the shape and only scales or shifts, and several where it is
        open.

    Raises:
        UnknownAxis: If the layer's `data_format` is none of Keras's, or it holds a module of PyTorch.
    """
    if getattr(layer, "data_format", None) is not None and any(len(one) == len(shape) for one in inputs):
        return {_axis_of_channels(layer, shape)}
    if any(isinstance(one, keras.layers.TorchModuleWrapper) for one in (layer, *layers_inside(layer))):
        raise UnknownAxis
    parts = _parts_of_keras(layer)
    made = [(part, axis) for part in parts if (axis := axis_made(part, shape)) is not None]
    signs = {axis for _, axis in made}
    if any(one[1:] == shape[1:] for one in inputs):
        return signs or ({len(shape) - 1} if has_matrix(layer, inputs, [shape]) else set())
    # Units that were merged or moved are on no axis of the output.
    there = {axis for part, axis in made if not (stated := _stated_units(part)) or shape[axis] in stated}
    if signs and not there:
        return set()
    sizes = _sizes_of_kernels(layer, shape) | {size for part in parts for size in _units_of(part)}
    fits = {axis for axis in range(1, len(shape)) if shape[axis] in sizes}
    # Kernels alone do not tell of an axis before the last: they may mix what lies on it.
    return there | fits if there or fits == {len(shape) - 1} else set()


def _parts_of_keras(layer: keras.Layer) -> list[keras.Layer]:
    """The layers of Keras that a custom layer is made of, not those inside them."""
    found = []
    for part in layers_directly_inside(layer):
        of_keras = isinstance(part, keras.layers.TimeDistributed) or family_of_layer(part) is not None
        found.extend([part] if of_keras else _parts_of_keras(part))
    return found


def _axis_of_channels(layer: keras.Layer, shape: tuple) -> int:
    match getattr(layer, "data_format", None):
        case "channels_first":
            # Those that return sequences have the steps before them.
            return len(shape) - 1 - layer.cell.rank if isinstance(layer, keras.layers.RNN) else 1
        case "channels_last" | None:
            return len(shape) - 1
    raise UnknownAxis


def _sizes_of_kernels(layer: keras.Layer, shape: tuple) -> set[int]:
    """All sizes of the matrices that a custom layer, or one inside it, has itself: they may have any order of axes.

    What can be added to the output, of this shape, or multiply it element by element is none of them.
    """
    parts = [one for one in (layer, *layers_inside(layer)) if family_of_layer(one) is None]
    of_others = {id(one) for part in parts for each in layers_inside(part) for one in each.weights}
    own = {id(one): one for part in parts for one in part.weights if id(one) not in of_others and len(one.shape) >= 2}
    return {size for one in own.values() if not fits_elements(one, shape) for size in one.shape} - {1}


def _units_of(layer: keras.Layer) -> set[int]:
    """How many units a layer of Keras makes."""
    layer, _ = inside(layer)
    makes = family_of_layer(layer) in ("attention", "convolutional", "core", "rnn")
    return _stated_units(layer) or ({one.shape[-1] for one in layer.weights if one.shape} if makes else set())


def _stated_units(layer: keras.Layer) -> set[int]:
    """How many units a layer of Keras says that it makes; none if it does not say."""
    layer, _ = inside(layer)
    return {size for name in ("units", "filters") if (size := getattr(layer, name, None)) is not None}


def inside(operation: Any) -> tuple[Any, int]:
    """The layer inside wrappers of Keras, and how many axes of steps they put before those that it sees."""
    steps = 0
    while isinstance(operation, keras.layers.TimeDistributed | keras.layers.SpectralNormalization):
        steps += isinstance(operation, keras.layers.TimeDistributed)
        operation = operation.layer
    return operation, steps


def reshapes(operation: Any) -> bool:
    """Whether what it puts out are the same numbers in the same order, in another shape."""
    of_keras = isinstance(operation, keras.layers.Reshape | keras.layers.Flatten)
    return of_keras or kind_of_operation(operation) in _RESHAPING


def axis_reshaped(source: tuple, axis: int, shape: tuple) -> int:
    """Where an axis is after reshaping: the one of its size behind which there is as much as there was behind it.

    Args:
        source: The shape before.
        axis: Where it was.
        shape: The shape after it.

    Raises:
        UnknownAxis: If there is no such axis, or more than one.
    """
    size, behind = source[axis], _product(source[axis + 1 :])
    fits = [place for place in range(1, len(shape)) if shape[place] == size and _product(shape[place + 1 :]) == behind]
    if len(fits) != 1 or None in (size, behind):
        raise UnknownAxis
    return fits[0]


def _product(sizes: tuple) -> int | None:
    return None if None in sizes else math.prod(sizes)


def keeps_axis(layer: Any, steps: int, sources: list[tuple], shape: tuple, axis: int) -> bool:
    """Whether a layer or operation is known to leave an axis in its place, or the sizes show it.

    Args:
        layer: The layer, without `TimeDistributed`s around it.
        steps: In how many of these it lies.
        sources: Shapes of what it is given, with as many axes as it puts out.
        shape: Of what it puts out.
        axis: That of the units that it is given.
    """
    family, kind = family_of_layer(layer), kind_of_operation(layer)
    data_format = getattr(layer, "data_format", None)
    if data_format or family == "pooling" or isinstance(layer, _SEE_UNITS):
        if axis != (1 + steps if data_format == "channels_first" else len(shape) - 1):
            return False
        if family is not None or kind is not None:
            return True
    if isinstance(layer, keras.layers.Identity | keras.layers.Masking) or kind in _OPERATIONS_THAT_KEEP_AXES:
        return True
    if family in _FAMILIES_THAT_KEEP_AXES and not isinstance(layer, keras.layers.Dot):
        return True
    return all(one[1:] == shape[1:] for one in sources) and shape[1:].count(shape[axis]) == 1
