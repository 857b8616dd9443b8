"""Kernels as products of two thinner matrices."""

import numpy as np

from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.scored_network import ScoredNetwork

ERRORS = tuple(round(0.05 * step, 2) for step in range(21))
"""Relative errors ‖W − W_r‖/‖W‖ that every kernel is truncated at, one after another."""


def rank_at(singular_values: np.ndarray, error: float) -> int:
    """The least rank r with √(Σ_{i>r} s²ᵢ / Σ s²) at most the relative error.

    Args:
        singular_values: Falling.
        error: 0 … 1. With 0 it is the number of singular values.

    Example:

    >>> rank_at(np.array([4.0, 3.0, 0.0]), 0.6), rank_at(np.array([4.0, 3.0]), 0.0), rank_at(np.array([4.0]), 1.0)
    (1, 2, 0)
    """
    if error == 0:
        return len(singular_values)
    tails = np.sqrt(np.append(np.cumsum(singular_values[::-1] ** 2)[::-1], 0.0))
    return int(np.argmax(tails <= error * tails[0] * (1 + 1e-12)))


def low_rank_curve(network: ScoredNetwork, errors: tuple[float, ...] = ERRORS) -> CompressionCurve:
    """Loss and accuracy against the numbers that truncated singular value decompositions of the kernels need.

    All kernels are truncated at the same relative error. A kernel of m·n numbers needs r·(m + n) at rank r, or m·n if
    that is less; one of more than two axes is taken as a matrix whose columns are its last axis.

    Args:
        network: A network and its samples.
        errors: Relative errors, rising from 0.

    Raises:
        ValueError: If the errors do not rise, or the network's loss is not a number.
    """
    parts = {
        place: np.linalg.svd(values.reshape(-1, values.shape[-1]).astype(np.float64), full_matrices=False)
        for place, values in network.matrices.items()
    }
    points = []
    for error in errors:
        changed, numbers = {}, 0
        for place, (left, singular_values, right) in parts.items():
            rank, values = rank_at(singular_values, error), network.matrices[place]
            numbers += min(rank * (len(left) + right.shape[1]), values.size)
            if rank < len(singular_values):
                changed[place] = ((left[:, :rank] * singular_values[:rank]) @ right[:rank]).reshape(values.shape)
        points.append(CurvePoint.of(numbers / network.size, network.score(changed)))
    return CompressionCurve("low rank", "part of the kernels' numbers that is needed", tuple(points))
