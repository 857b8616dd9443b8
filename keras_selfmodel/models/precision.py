"""The number formats that networks compute in."""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from keras_selfmodel._internals.keras import give_weights, layers_inside
from keras_selfmodel._precisions import PRECISIONS

_HALF = ("bfloat16", "float16", *PRECISIONS[1:])


@contextmanager
def building_in(precision: str | keras.DTypePolicy) -> Iterator[None]:
    """Builds the layers made inside in a precision, as `keras.config.set_dtype_policy` does for all that follow.

    Args:
        precision: One of `PRECISIONS`, or another policy.

    Example:

    >>> with building_in("mixed_bfloat16"):
    ...     layer = keras.layers.Dense(2)
    >>> layer.compute_dtype, layer.variable_dtype, keras.layers.Dense(2).compute_dtype
    ('bfloat16', 'float32', 'float32')
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def computes_in(model: keras.Model, precision: str) -> bool:
    """Whether any layer with weights has this policy."""
    return any(layer.dtype_policy.name == precision for layer in _layers(model) if layer.weights)


def computes_in_half(model: keras.Model) -> bool:
    """Whether any layer computes in half precision."""
    return any(layer.dtype_policy.name in _HALF for layer in _layers(model))


def in_single_precision(model: keras.Model) -> keras.Model:
    """The same network with the same weights, all of whose layers compute in float32.

    Args:
        model: Any model; to be changed, one that Keras can make from its configuration.

    Returns:
        The model itself, if none of its layers computes in half precision; else another, with copies of the weights.

    Raises:
        ValueError: If it cannot be made again.

    Example:

    >>> with building_in("mixed_bfloat16"):
    ...     model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> in_single_precision(model).layers[-1].compute_dtype
    'float32'
    """
    if not computes_in_half(model):
        return model
    config = copy.deepcopy(model.get_config())
    _to_single(config)
    try:
        with _random_left_alone():
            precise = model.__class__.from_config(config)
        give_weights(precise, model.get_weights())
    except Exception as error:  # whatever a subclassed model makes of a configuration
        raise ValueError(
            "The model computes in half precision, and cannot be made again from its configuration to compute in "
            "float32. Make it with the dtype policy 'float32' and give it these weights: set_weights. Received: "
            f"model={model.name!r} of type {type(model).__name__}; {type(error).__name__}: {error}"
        ) from error
    return precise


@contextmanager
def _random_left_alone() -> Iterator[None]:
    """Puts Python's random numbers, from which Keras draws the seeds of layers, back to where they were."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _layers(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in [model, *layers_inside(model)] if not isinstance(layer, keras.Model)]


def _to_single(config: Any) -> None:
    """Puts float32 in the place of every half-precision type of a configuration."""
    if isinstance(config, list | tuple):
        for value in config:
            _to_single(value)
    elif isinstance(config, dict):
        for name, value in config.items():
            if name == "dtype" and value in _HALF:
                config[name] = "float32"
            elif name == "dtype" and isinstance(value, dict) and value["config"].get("name") in _HALF:
                config[name] = "float32"
            else:
                _to_single(value)
