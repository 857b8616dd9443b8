"""Arguments of the models, checked before anything is built of them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_selfmodel._callables import takes
from keras_selfmodel._numbers import finite_and_not_negative, real_number, whole_number
from keras_selfmodel.initializers.seeds import checked_seed
from keras_selfmodel.layers import SelfPredictionHead


def checked_aux_weight(value: Any) -> float:
    """An auxiliary weight: a finite number from 0 on."""
    return real_number("aux_weight", value, "a number, finite and not negative", finite_and_not_negative)


def check_switches(**switches: Any) -> None:
    """Raises ValueError for arguments that are neither True nor False."""
    for name, value in switches.items():
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{name} must be True or False. Received: {name}={value!r}")


def checked_steps_ahead(steps: Any, *, per_timestep: bool) -> int:
    """How many steps later the targets are, as a whole number."""
    steps = whole_number("steps_ahead", steps, 0)
    if steps and not per_timestep:
        raise ValueError(
            f"steps_ahead needs per_timestep=True. Received: steps_ahead={steps}, per_timestep={per_timestep}"
        )
    return steps


def checked_batch_size(size: Any, default: int) -> int:
    """A number of samples, as a whole number of Python; `default` for `None`."""
    return default if size is None else whole_number("batch_size", size, 1)


def check_transformation(transformation: Any) -> None:
    """Raises ValueError for what is no layer, or other function of symbolic tensors."""
    if transformation is not None and not callable(transformation):
        raise ValueError(
            "target_transformation must be a keras.Layer, or None. "
            f"Received: target_transformation={transformation!r} of type {type(transformation).__name__}"
        )


def maker_of(
    head: Any, seed: Any, default: type[keras.Layer] = SelfPredictionHead, name: str = "self_prediction_head"
) -> Callable[[int], keras.Layer]:
    """The function of n that makes the head which an argument means; `default` and `name` are what `None` means."""
    checked_seed(seed)
    if head is None:
        return lambda units: default(units, seed=seed, name=name)
    kind = "a linear head" if default is SelfPredictionHead else "a head with a hidden layer"
    expected = f"head must be a keras.Layer, a function of n that returns one, or None for {kind}."
    if not callable(head):
        raise ValueError(f"{expected} Received: head={head!r} of type {type(head).__name__}")
    # A layer can be called too.
    if isinstance(head, keras.Layer):
        return lambda units: head

    def made(units: int) -> keras.Layer:
        if not takes(head, 1):
            raise ValueError(f"{expected} Received: head={head!r}, which does not take n alone")
        layer = head(units)
        if not isinstance(layer, keras.Layer):
            raise ValueError(f"{expected} Received: a function that returns {layer!r} of type {type(layer).__name__}")
        return layer

    return made


def check_has_samples(function: str, x: Any) -> bool:
    """Raises ValueError where there is nothing to evaluate: no data, a text, or arrays without rows.

    Args:
        function: What the user called.
        x: What was passed to it.

    Returns:
        Whether it is a structure of arrays; else it is a data set.
    """
    leaves = keras.tree.flatten(x)
    if isinstance(x, str | bytes) or any(leaf is None for leaf in leaves):
        raise ValueError(f"{function} needs inputs: arrays, a data set or a loader. Received: x={x!r}")
    arrays = all(hasattr(leaf, "shape") for leaf in leaves)
    if arrays and (not leaves or not all(len(leaf.shape) and leaf.shape[0] for leaf in leaves)):
        raise ValueError(f"{function} needs at least one sample. Received: none")
    return arrays


def check_as_many_weights(weights: Any, x: Any) -> None:
    """Raises ValueError unless arrays have one row of weights for each of their samples."""
    samples = keras.tree.flatten(x)[0].shape[0]
    for array in keras.tree.flatten(weights):
        if len(getattr(array, "shape", ())) and array.shape[0] != samples:
            raise ValueError(f"sample_weight must have a row for each of {samples} samples. Received: {array.shape[0]}")
