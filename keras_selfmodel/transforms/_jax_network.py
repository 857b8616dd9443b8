"""Modules of Equinox and Flax NNX as functions of their weights."""

import functools
import sys
from collections.abc import Mapping
from typing import Any

import jax
import keras

from keras_selfmodel._internals.wrappers import innermost
from keras_selfmodel.transforms._network import Network, check_order_is_known, keras_axes, library_axes
from keras_selfmodel.transforms.tensors import AnyModel, Tensor


def network(model: AnyModel) -> Network | None:
    """A network of the backend's own library as a function of its weights; `None` if it is none, as a Keras model."""
    # A module of a library that was not imported cannot be there.
    if "equinox" in sys.modules and isinstance(model, sys.modules["equinox"].Module):
        return _of_equinox(model)
    if "flax.nnx" in sys.modules and isinstance(model, sys.modules["flax.nnx"].Module):
        return _of_nnx(model)
    return None


def _of_equinox(model: AnyModel) -> Network:
    """An Equinox module, a function of one sample; its floating-point arrays are the weights."""
    nn = sys.modules["equinox"].nn
    _check_stateless(model, nn)
    # Without a key Dropout has nothing to draw from; in inference mode it returns what it reads.
    model = nn.inference_mode(model)
    kernels = (nn.Linear, nn.Conv)
    layers = jax.tree_util.tree_leaves(model, is_leaf=lambda part: isinstance(part, kernels))
    turned = {id(layer.weight) for layer in layers if isinstance(layer, kernels)}
    leaves, structure = jax.tree_util.tree_flatten_with_path(model)
    places = [(i, id(leaf) in turned) for i, (_, leaf) in enumerate(leaves) if _is_weight(leaf)]

    def call(weights, other, x, training):
        values = [leaf for _, leaf in leaves]
        for (place, turn), weight in zip(places, weights, strict=True):
            values[place] = jax.numpy.transpose(weight, library_axes(weight.ndim)) if turn else weight
        return jax.vmap(jax.tree_util.tree_unflatten(structure, values))(x), other

    weights = [leaves[i][1].astype(keras.config.floatx()) for i, _ in places]
    return Network(
        names=[_name(leaves[i][0]) for i, _ in places],
        weights=[
            jax.numpy.transpose(weight, keras_axes(weight.ndim)) if turn else weight
            for weight, (_, turn) in zip(weights, places, strict=True)
        ],
        other=[],
        call=call,
        keras_loss=_keras_loss,
        draws=False,
    )


def _check_stateless(model: AnyModel, nn: Any) -> None:
    """Raises ValueError for a module that is called with a state, as with `eqx.nn.BatchNorm` in it."""

    def is_state(part: Any) -> bool:
        return isinstance(part, nn.StateIndex)

    if any(map(is_state, jax.tree_util.tree_leaves(model, is_leaf=is_state))):
        raise ValueError(
            "model is an Equinox module with a state, such as that of eqx.nn.BatchNorm or SpectralNorm, which it takes "
            "as a further argument. Pass a function of weights and data that calls it with its state to "
            f"rlct.estimate_of_function. Received: a module of type {type(model).__name__}"
        )


def _of_nnx(model: AnyModel) -> Network:
    """A Flax NNX module, a function of a batch; its `Param`s are the weights."""
    nnx = sys.modules["flax.nnx"]
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    leaves, structure = jax.tree_util.tree_flatten_with_path(params)
    others, other_structure = jax.tree_util.tree_flatten(rest)
    # Flax sorts by names; the order in which the modules hold them is Keras's.
    order = sorted(range(len(leaves)), key=lambda i: _place(model, _steps(leaves[i][0])))

    def call(weights, other, x, training):
        params = [weight for _, weight in sorted(zip(order, weights, strict=True), key=lambda pair: pair[0])]
        params = jax.tree_util.tree_unflatten(structure, params)
        built = nnx.merge(graph, params, jax.tree_util.tree_unflatten(other_structure, other))
        (built.train if training else built.eval)()
        outputs = built(x)
        return outputs, jax.tree_util.tree_leaves(nnx.split(built, nnx.Param, ...)[2])

    return Network(
        names=[_name(leaves[i][0]) for i in order],
        weights=[leaves[i][1].astype(keras.config.floatx()) for i in order],
        other=others,
        call=call,
        keras_loss=_keras_loss,
        draws=False,
    )


def _keras_loss(loss: Any) -> Any:
    """Optax's losses take the outputs first; they return the loss of each sample or entry, and reduce nothing."""
    if keras.tree.is_nested(loss):
        return keras.tree.map_structure(_keras_loss, loss)
    found = innermost(loss)
    if not str(getattr(found.function, "__module__", None)).startswith("optax."):
        return loss
    check_order_is_known(loss, found)

    @functools.wraps(found.function)
    def outputs_first(y: Tensor, outputs: Tensor) -> Tensor:
        try:
            return loss(outputs, _labels(y, outputs))
        except (AssertionError, TypeError, ValueError) as error:
            raise ValueError(
                f"The loss does not take labels of shape {tuple(y.shape)} with outputs of shape "
                f"{tuple(outputs.shape)}: {error}"
            ) from error

    # Where labels are numbers of classes, they are checked.
    of_classes = found.function.__name__ == "softmax_cross_entropy_with_integer_labels"
    vars(outputs_first)["class_axis"] = found.keywords.get("axis", -1) if of_classes else None
    return outputs_first


def _labels(y: Tensor, outputs: Tensor) -> Any:
    """Labels in the types that Optax wants: numbers of classes whole, all others as the outputs."""
    if y.ndim < outputs.ndim and outputs.shape[-1] > 1:
        return y.astype("int32")
    return y.reshape(outputs.shape).astype(outputs.dtype)


def _is_weight(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating)


def _steps(path: tuple) -> list:
    """Names and numbers along a path of JAX; `value`, which is in every variable of Flax, is none of them."""
    found = [getattr(step, "key", getattr(step, "idx", getattr(step, "name", None))) for step in path]
    return found[:-1] if found[-1] == "value" else found


def _name(path: tuple) -> str:
    return ".".join(map(str, _steps(path)))


def _place(module: Any, steps: list) -> tuple[int, ...]:
    """Where a weight stands in a module, and in those that hold it, counted in the order of their attributes."""
    found = []
    for step in steps:
        if isinstance(step, int):
            found.append(step)
            module = module[step]
        else:
            holder = module if isinstance(module, Mapping) else vars(module)
            found.append(list(holder).index(step))
            module = holder[step]
    return tuple(found)
