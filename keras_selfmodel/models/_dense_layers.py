"""Dense layers that start as PyTorch's do."""

from typing import Any

import keras

from keras_selfmodel.initializers import FanInUniform


def dense(units: int, fan_in: int, seed: int | None, number: int, **kwargs: Any) -> keras.layers.Dense:
    """A dense layer whose kernel and bias start from U(±1/√fan_in).

    Args:
        units: Number of units.
        fan_in: Number of inputs.
        seed: Seed of the network; `None` draws the weights anew.
        number: Number of the layer, so that each has its own weights: seeds are (seed, number, kernel 0 or bias 1).
        **kwargs: As for `keras.layers.Dense`.
    """
    seeds = (None, None) if seed is None else ((seed, number, 0), (seed, number, 1))
    return keras.layers.Dense(
        units,
        kernel_initializer=FanInUniform(seeds[0]),
        bias_initializer=FanInUniform(seeds[1], fan_in=fan_in),
        **kwargs,
    )
