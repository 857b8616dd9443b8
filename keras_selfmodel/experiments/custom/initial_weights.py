"""A saved network with other initial weights."""

import copy
from typing import Any

import keras
import numpy as np


def drawn_anew(model: keras.Model, seed: int) -> keras.Model:
    """A network of the same architecture, whose weights its layers' own initializers draw by a seed.

    Layers without trainable weights keep theirs: frozen ones, and those that were adapted to data, such as
    `Normalization`. Seeds in the architecture are replaced, those of dropout too, so that other seeds mean other
    networks. Keras's initializers draw other numbers on each backend.

    Args:
        model: A functional or Sequential model.
        seed: The seed.

    Returns:
        The new network; `model` stays as it is.

    Example:

    >>> saved = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> one, same, other = (drawn_anew(saved, seed).get_weights()[0] for seed in (1, 1, 2))
    >>> bool((one == same).all()), bool((one == other).any())
    (True, False)
    """
    config = copy.deepcopy(model.get_config())
    _reseed(config, np.random.default_rng(seed))
    # For layers of the user that draw without a seed in their configuration.
    keras.utils.set_random_seed(seed)
    fresh = model.__class__.from_config(config)
    _keep_fixed_weights(model, fresh)
    return fresh


def _reseed(config: Any, rng: np.random.Generator) -> None:
    """Gives everything in a configuration that has a seed one of its own, in the order of the layers."""
    if isinstance(config, dict):
        if "class_name" in config and isinstance(config.get("config"), dict) and "seed" in config["config"]:
            config["config"]["seed"] = int(rng.integers(2**31))
        for value in config.values():
            _reseed(value, rng)
    elif isinstance(config, list | tuple):
        for value in config:
            _reseed(value, rng)


def _keep_fixed_weights(old: keras.Model, new: keras.Model) -> None:
    for before, after in zip(old.layers, new.layers, strict=True):
        if before.weights and not before.trainable_variables:
            after.set_weights(before.get_weights())
        elif isinstance(before, keras.Model):
            _keep_fixed_weights(before, after)
