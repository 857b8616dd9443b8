"""Modules of Equinox and Flax NNX as functions of their weights."""

import sys
from typing import Any

import jax
import keras

from keras_selfmodel.transforms._network import Network
from keras_selfmodel.transforms.tensors import AnyModel


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
    leaves, structure = jax.tree_util.tree_flatten_with_path(model)
    places = [i for i, (_, leaf) in enumerate(leaves) if _is_weight(leaf)]

    def call(weights, other, x, training):
        values = [leaf for _, leaf in leaves]
        for place, weight in zip(places, weights, strict=True):
            values[place] = weight
        return jax.vmap(jax.tree_util.tree_unflatten(structure, values))(x), other

    names = [jax.tree_util.keystr(leaves[i][0]).lstrip(".") for i in places]
    weights = [leaves[i][1].astype(keras.config.floatx()) for i in places]
    return Network(names, weights, [], call, lambda loss: loss, draws=False)


def _of_nnx(model: AnyModel) -> Network:
    """A Flax NNX module, a function of a batch; its `Param`s are the weights."""
    nnx = sys.modules["flax.nnx"]
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    leaves, structure = jax.tree_util.tree_flatten_with_path(params)
    others, other_structure = jax.tree_util.tree_flatten(rest)

    def call(weights, other, x, training):
        params = jax.tree_util.tree_unflatten(structure, weights)
        built = nnx.merge(graph, params, jax.tree_util.tree_unflatten(other_structure, other))
        (built.train if training else built.eval)()
        outputs = built(x)
        return outputs, jax.tree_util.tree_leaves(nnx.split(built, nnx.Param, ...)[2])

    names = [jax.tree_util.keystr(path) for path, _ in leaves]
    return Network(names, [leaf for _, leaf in leaves], others, call, lambda loss: loss, draws=False)


def _is_weight(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating)
