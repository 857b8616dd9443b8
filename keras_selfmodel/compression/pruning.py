"""The smallest weights are set to 0."""

from typing import Literal

import numpy as np

from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.scored_network import ScoredNetwork

SHARES = (
    *(1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.16, 0.13),
    *(0.1, 0.08, 0.065, 0.05, 0.04, 0.03, 0.02, 0.01, 0.0),
)
"""Parts of the weights that are kept, one after another."""

PruningScope = Literal["global", "layer"]


def magnitude_masks(
    kernels: dict[str, np.ndarray], share: float, scope: PruningScope = "global"
) -> dict[str, np.ndarray]:
    """Which weights are kept when the smallest are pruned.

    Args:
        kernels: Matrices by name.
        share: Part of the weights to keep, 0 … 1; of N weights round(share·N) are kept. Of equal ones, the first are.
        scope: "global": the largest of all kernels together; "layer": the same part of each.

    Returns:
        Booleans of the kernels' shapes, by name.

    Example:

    >>> kernels = {"a": np.array([[1.0, -4.0]]), "b": np.array([[2.0, 3.0]])}
    >>> {name: mask.tolist() for name, mask in magnitude_masks(kernels, 0.5).items()}
    {'a': [[False, True]], 'b': [[False, True]]}
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in 0 … 1. Received: share={share}")
    if scope == "layer":
        return {name: _largest(np.abs(values).ravel(), share).reshape(values.shape) for name, values in kernels.items()}
    kept = _largest(np.concatenate([np.abs(values).ravel() for values in kernels.values()]), share)
    parts = np.split(kept, np.cumsum([values.size for values in kernels.values()])[:-1])
    return {name: part.reshape(kernels[name].shape) for name, part in zip(kernels, parts, strict=True)}


def pruning_curve(
    network: ScoredNetwork, scope: PruningScope = "global", shares: tuple[float, ...] = SHARES
) -> CompressionCurve:
    """Loss and accuracy against the part of the weights that is kept.

    Args:
        network: A network and its samples.
        scope: As for `magnitude_masks`.
        shares: Parts that are kept, falling from 1.
    """
    kernels = network.matrices
    points = []
    for share in shares:
        masks = magnitude_masks(kernels, share, scope)
        kept = sum(int(mask.sum()) for mask in masks.values()) / network.size
        points.append(CurvePoint.of(kept, network.score({name: kernels[name] * masks[name] for name in kernels})))
    where = "of all kernels" if scope == "global" else "of each kernel"
    return CompressionCurve(f"pruning by magnitude, {scope}", f"part {where} that is kept", tuple(points))


def _largest(sizes: np.ndarray, share: float) -> np.ndarray:
    kept = np.zeros(sizes.size, dtype=bool)
    kept[np.argsort(-sizes, kind="stable")[: round(share * sizes.size)]] = True
    return kept
