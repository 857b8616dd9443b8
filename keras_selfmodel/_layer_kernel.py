"""The kernel of a layer: the matrix that it multiplies with, as the numbers that it stands for."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from keras_selfmodel._internals.keras import layers_inside, scale_of_kernel

# What Keras's layers call the weights that are added, that normalize or scale, and their states. These may have two
# axes or more: the biases of a GRU and of attention, normalization over several axes, PReLU.
_NO_MATRICES_OF_KERAS = frozenset(
    ("bias", "alpha", "beta", "gamma", "scale", "mean", "variance", "vector_u", "rnn_state", "zero_point")
    + ("awq_scales", "g_idx")
)
_ENDS_OF_QUANTIZATION = ("_scale", "_zero", "_history")


def has_weights(operation: Any) -> bool:
    """Whether a call of this layer depends on weights: on any that are trained, or on a matrix of any kind.

    Statistics that `adapt` computes, as those of `keras.layers.Normalization`, are not weights in this sense.
    """
    if not isinstance(operation, keras.Layer):
        return False
    return bool(operation.trainable_weights) or (
        any(len(weight.shape) >= 2 for weight in operation.weights)
        or (not operation.trainable and bool(operation.weights))
    )


def has_matrix(layer: keras.Layer, inputs: Sequence[tuple] = (), outputs: Sequence[tuple] = ()) -> bool:
    """Whether one of a layer's weights is a matrix that it multiplies with.

    Args:
        layer: The layer.
        inputs, outputs: Shapes of what it reads and returns. Where it returns the shape that it reads, a weight of a
            custom layer that can be added to this, or multiply it, element by element is not taken for a matrix.
    """
    kept = [shape for shape in outputs if shape in inputs]
    return any(
        _is_of_keras(part) or weight.name == "kernel" or not any(fits_elements(weight, shape) for shape in kept)
        for part in _with_layers_inside(layer)
        for weight in _own_matrices(part)
    )


def matrices_of(layers: Iterable[keras.Layer]) -> list[keras.Variable]:
    """The weights that some layers, and those inside them, multiply with: of two axes or more, without biases and such.

    What is none of these has the names that Keras's own layers give it; of custom layers it is what is called "bias".
    """
    found = {id(one): one for layer in layers for part in _with_layers_inside(layer) for one in _own_matrices(part)}
    return list(found.values())


def is_several_layers(layer: keras.Layer) -> bool:
    """Whether a layer is made of several layers that each have a matrix, and is none of Keras's own."""
    layer = unwrapped(layer)
    of_keras = type(layer).__module__.startswith("keras.") and not isinstance(layer, keras.Model)
    return not of_keras and len(_parts(layer)) > 1


def unwrapped(layer: keras.Layer) -> keras.Layer:
    """The layer inside wrappers such as `TimeDistributed` and `SpectralNormalization`."""
    while isinstance(layer, keras.layers.Wrapper):
        layer = layer.layer
    return layer


def kernel_of(layer: keras.Layer) -> npt.NDArray:
    """The values of a layer's kernel.

    It is the weight called `kernel` if there is one, of a layer inside a wrapper or of an RNN's cell too; of separable
    convolutions the pointwise one; else the largest matrix. A quantized kernel is that of its codes times their scale;
    one that has a LoRA includes it. Of a `Bidirectional` layer it is those of both directions.

    Raises:
        ValueError: If it has no matrix, or is made of several layers that do.
    """
    layer = unwrapped(layer)
    if isinstance(layer, keras.layers.Bidirectional):
        return np.concatenate([kernel_of(layer.forward_layer), kernel_of(layer.backward_layer)], axis=-1)
    found = _named_kernel(layer)
    if found is not None:
        return found
    parts = _parts(layer)
    if len(parts) == 1 and parts[0] is not layer:
        return kernel_of(parts[0])
    if len(parts) != 1:
        raise ValueError(
            f"Layer {layer.name!r} has no kernel: "
            + (
                "none of its weights is a matrix that it multiplies with."
                if not parts
                else "it is made of several layers. Measure the one that is meant, keras_selfmodel.metrics."
                "spread_of(weights)."
            )
            + f" Received: weights={[(weight.path, tuple(weight.shape)) for weight in layer.weights]}"
        )
    return ops.convert_to_numpy(max(_own_matrices(layer), key=lambda weight: int(np.prod(weight.shape))))


def _parts(layer: keras.Layer) -> list[keras.Layer]:
    """The layers in a layer, itself included, that have a matrix of their own."""
    return [one for one in _with_layers_inside(layer) if _own_matrices(one)]


def _with_layers_inside(layer: keras.Layer) -> list[keras.Layer]:
    return list({id(one): one for one in [layer, *layers_inside(layer)]}.values())


def _own_matrices(layer: keras.Layer) -> list[keras.Variable]:
    """The matrices among a layer's weights that are none of a layer inside it."""
    inner = {id(weight) for one in layers_inside(layer) for weight in one.weights}
    own = [weight for weight in layer.weights if id(weight) not in inner and len(weight.shape) >= 2]
    return [weight for weight in own if not _is_added_or_scales(layer, weight.name)]


def _is_added_or_scales(layer: keras.Layer, name: str) -> bool:
    if not _is_of_keras(layer):
        return name == "bias"
    return name in _NO_MATRICES_OF_KERAS or name.endswith(_ENDS_OF_QUANTIZATION)


def _is_of_keras(layer: keras.Layer) -> bool:
    """Whether it is a layer of Keras's own, or a user's subclass of one."""
    bases = [base for base in type(layer).__mro__ if base not in keras.Model.__mro__]
    return any(base.__module__.startswith("keras.") for base in bases)


def fits_elements(weight: keras.Variable, shape: tuple) -> bool:
    """Whether a weight can be broadcast to outputs of this shape, `(batch, ...)`."""
    sizes = tuple(weight.shape)
    ends = shape[len(shape) - len(sizes) :]
    return len(sizes) <= len(shape) and all(size in (1, end) for size, end in zip(sizes, ends, strict=True))


def _named_kernel(layer: keras.Layer) -> npt.NDArray | None:
    # Of a separable convolution the pointwise kernel makes the scores. Of embeddings the third is what one that is not
    # tied makes scores with, the fourth what one that is tied does.
    for name in ("kernel", "pointwise_kernel", "reverse_embeddings", "embeddings"):
        weight = getattr(layer, name, None)
        if len(getattr(weight, "shape", ())) >= 2:
            return _without_codes(layer, name, ops.convert_to_numpy(weight))
    return None


def _without_codes(layer: keras.Layer, name: str, values: npt.NDArray) -> npt.NDArray:
    """The numbers that a quantized layer's codes stand for."""
    mode = layer.quantization_mode
    if mode in (None, "float8"):  # Keras keeps the weights themselves for float8, and rounds when it computes.
        return values
    scale = getattr(layer, f"{name}_scale", None)
    if mode not in ("int8", "int4") or scale is None:
        raise ValueError(
            f"The {name} of a layer quantized by {mode!r} cannot be read. Measure the model before quantizing it. "
            f"Received: layer {layer.name!r}"
        )
    update = 0.0
    if getattr(layer, "lora_enabled", False):
        ours, others = (f"lora_{name}_a", f"lora_{name}_b")
        update = ops.convert_to_numpy(ops.matmul(getattr(layer, ours), getattr(layer, others)))
        update = layer.lora_alpha / layer.lora_rank * update
    codes = values - update
    zero = getattr(layer, f"{name}_zero", None)
    if zero is not None:  # Groups of rows, or of an embedding's columns, have a scale and a zero each.
        axis = 0 if name == "kernel" else -1
        groups = ops.convert_to_numpy(layer.g_idx).astype(int)
        scale, zero = (np.take(ops.convert_to_numpy(part), groups, axis=axis) for part in (scale, zero))
        rows = codes.reshape(scale.shape)
        return ((rows - zero.astype(scale.dtype)) * scale).reshape(codes.shape) + update
    if hasattr(layer, "equation") and mode == "int8":
        scale = scale_of_kernel(layer, scale)
    scale = ops.convert_to_numpy(scale)
    if hasattr(layer, "equation") and mode == "int4":
        return (codes.reshape(-1, len(scale)) / scale).reshape(codes.shape) + update
    if name == "embeddings":
        scale = scale[:, None]
    return codes / scale + update


def keeps_values(operation: Any) -> bool:
    """Whether what a layer returns in inference are the numbers that it is given, in whatever shape."""
    kept = (keras.layers.Identity, keras.layers.Reshape, keras.layers.Flatten, keras.layers.Permute)
    linear = isinstance(operation, keras.layers.Activation) and operation.activation is keras.activations.linear
    return linear or isinstance(operation, (*kept, keras.layers.Dropout))
