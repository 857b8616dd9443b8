"""The smallest weights are set to 0."""

from collections.abc import Hashable, Iterable
from typing import Literal, TypeVar, get_args

import numpy as np

from keras_selfmodel._numbers import number_in
from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.scored_network import ScoredNetwork

SHARES = (
    *(1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.16, 0.13),
    *(0.1, 0.08, 0.065, 0.05, 0.04, 0.03, 0.02, 0.01, 0.0),
)
"""Parts of the weights that are kept, one after another."""

PruningScope = Literal["global", "layer"]

Key = TypeVar("Key", bound=Hashable)


def magnitude_masks(
    kernels: dict[Key, np.ndarray], share: float, scope: PruningScope = "global"
) -> dict[Key, np.ndarray]:
    """Which weights are kept when the smallest are pruned.

    Args:
        kernels: Matrices, by names or by their places among the weights.
        share: Part of the weights to keep, 0 … 1; of N weights round(share·N) are kept. Of equal ones, the first are.
        scope: "global": the largest of all kernels together; "layer": the same part of each.

    Returns:
        Booleans of the kernels' shapes, by the same keys.

    Raises:
        ValueError: If the share is not in 0 … 1, or there is no such scope.

    Example:

    >>> kernels = {"a": np.array([[1.0, -4.0]]), "b": np.array([[2.0, 3.0]])}
    >>> {name: mask.tolist() for name, mask in magnitude_masks(kernels, 0.5).items()}
    {'a': [[False, True]], 'b': [[False, True]]}
    """
    return _masks(_ranks(kernels, scope), share, scope)


def pruning_curve(
    network: ScoredNetwork, scope: PruningScope = "global", shares: Iterable[float] = SHARES
) -> CompressionCurve:
    """Loss and accuracy against the part of the weights that is kept.

    Args:
        network: A network and its samples.
        scope: As for `magnitude_masks`.
        shares: Parts that are kept, falling from 1.

    Raises:
        ValueError: If there is no such scope, the shares do not fall or are not in 0 … 1, or the network's loss is no
            number.
    """
    kernels = network.matrices
    ranks, points = _ranks(kernels, scope), []
    for share in checked_shares(shares):
        masks = _masks(ranks, share, scope)
        kept = sum(int(mask.sum()) for mask in masks.values()) / network.size
        # Where all are kept it is the network as it is.
        changed = {place: kernels[place] * mask for place, mask in masks.items() if not mask.all()}
        points.append(CurvePoint.of(kept, network.score(changed)))
    where = "of all kernels" if scope == "global" else "of each kernel"
    return CompressionCurve(f"pruning by magnitude, {scope}", f"part {where} that is kept", tuple(points))


def checked_shares(shares: Iterable[float]) -> tuple[float, ...]:
    """Parts of the weights that are kept, one after another, as numbers of Python.

    Raises:
        ValueError: If they are no numbers in 0 … 1, or one is larger than the one before it.
    """
    try:
        found = [number_in(share) for share in shares]
    except TypeError:  # A single number, or something else that holds none.
        found = [None]
    numbers = tuple(number for number in found if number is not None and 0 <= number <= 1)
    if len(numbers) != len(found) or (np.diff(numbers) > 0).any():
        raise ValueError(
            "shares must be numbers in 0 … 1, none larger than the one before it, such as (0.5, 0.2). Received: "
            f"shares={shares!r}"
        )
    return numbers


def _ranks(kernels: dict[Key, np.ndarray], scope: PruningScope) -> dict[Key, np.ndarray]:
    """The place of each weight, 0 for the largest, among those of all kernels or of its own."""
    if scope not in get_args(PruningScope):
        raise ValueError(f"scope must be 'global' or 'layer'. Received: scope={scope!r}")
    if scope == "layer":
        return {key: _places(np.abs(values).ravel()).reshape(values.shape) for key, values in kernels.items()}
    places = _places(np.concatenate([np.abs(values).ravel() for values in kernels.values()]))
    parts = np.split(places, np.cumsum([values.size for values in kernels.values()])[:-1])
    return {key: part.reshape(kernels[key].shape) for key, part in zip(kernels, parts, strict=True)}


def _masks(ranks: dict[Key, np.ndarray], share: float, scope: PruningScope) -> dict[Key, np.ndarray]:
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in 0 … 1. Received: share={share}")
    together = sum(places.size for places in ranks.values())
    return {
        key: places < round(share * (together if scope == "global" else places.size)) for key, places in ranks.items()
    }


def _places(sizes: np.ndarray) -> np.ndarray:
    places = np.empty(sizes.size, dtype=np.int64)
    places[np.argsort(-sizes, kind="stable")] = np.arange(sizes.size)
    return places
