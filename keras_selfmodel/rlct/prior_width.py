"""The scale of a network's weights."""

import math

import numpy as np
from keras import ops


def weight_scale(weights: list) -> float:
    """R² = max(|w|², Σ of the variances that weights of such shapes are commonly initialized with).

    These are 1 over the number of inputs, which keeps the size of activations from layer to layer; the number of
    entries for vectors. They count where the weights themselves are near zero.

    Args:
        weights: The arrays of a network.

    Example:

    >>> weight_scale([np.zeros((20, 10)), np.zeros(10)])  # 200 weights of variance 1/20, 10 of variance 1/10
    11.0
    """
    squares = math.hypot(*(np.linalg.norm(ops.convert_to_numpy(w)) for w in weights)) ** 2
    common = sum(w.shape[-1] if len(w.shape) > 1 else 1 for w in weights)
    # Weights that are not finite have no scale; the loss that they give is refused.
    return float(max(squares, common) if math.isfinite(squares) else common)
