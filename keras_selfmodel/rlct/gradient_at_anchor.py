"""The gradient of the loss at w*: how far the loss falls along it, and whether there is one at all."""

import math

import numpy as np
from keras import ops

from keras_selfmodel.rlct.batches import paper_batches, random_batches
from keras_selfmodel.rlct.conventions import ResolvedSettings
from keras_selfmodel.rlct.curvature import difference_length
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.prior_width import weight_scale


def gradient_term(energy: Energy, settings: ResolvedSettings) -> tuple[float, int]:
    """How far nβ L falls along the gradient at w*: nβ|∇L|²/(2h), h the curvature of L in its direction and γ/nβ.

    Returns:
        The term, and the number of gradients of a batch computed.
    """
    batches = paper_batches(energy.num_samples, settings.batch_size)
    gradient = energy.gradient(batches)
    square = sum(float(ops.sum(g * g)) for g in gradient)
    if square == 0:
        return square, len(batches) + _check_gradient_elsewhere(energy, settings)
    if not square > 0:
        return square, len(batches)
    norm = math.sqrt(sum(float(ops.sum(w * w)) for w in energy.anchor))
    direction, length = [g / math.sqrt(square) for g in gradient], difference_length(norm)
    del gradient  # As large as the weights.
    # One batch: the curvature need not be known better than to some per cent.
    some = random_batches(np.random.default_rng([settings.seed, 4]), 1, energy.num_samples, settings.batch_size)
    above, below = (_slope(energy, direction, sign * length, list(some)) for sign in (1.0, -1.0))
    curvature = (above - below) / (2 * length)
    nbeta = settings.inverse_temperature
    # Where the loss curves downward, the pull of the localization alone ends the fall.
    whole = max(curvature, 0.0) + settings.localization / nbeta
    return nbeta * square / (2 * whole) if whole > 0 else math.inf, len(batches) + 2


def _check_gradient_elsewhere(energy: Energy, settings: ResolvedSettings) -> int:
    """Makes sure that a loss whose gradient is 0 at w* has one elsewhere, or is the same there.

    Near and far, and at the edges of plateaus, as of dead units and saturated outputs, where it begins to change.

    Returns:
        The number of gradients of a batch computed.

    Raises:
        ValueError: If it has none, as one that counts mistakes.
    """
    rng = np.random.default_rng([settings.seed, 5])
    batch = list(random_batches(rng, 1, energy.num_samples, settings.batch_size))
    loss, scale, places = energy.mean_loss(batch), math.sqrt(weight_scale(energy.anchor) / energy.num_parameters), 0
    for width in np.geomspace(scale / 1000, scale, 10):
        direction = [ops.convert_to_tensor(rng.normal(size=w.shape), w.dtype) for w in energy.anchor]
        same, other = 0.0, None  # How far the loss is known to stay the same, and where it is another.
        while other is None or other - same > 1e-6 * other:
            away = width if other is None else (same + other) / 2
            there = energy.at([w + away * d for w, d in zip(energy.anchor, direction, strict=True)])
            places += 1
            if any(bool(ops.any(g != 0)) for g in there.gradient(batch)):
                return places
            if not math.isclose(there.mean_loss(batch), loss, rel_tol=1e-6):  # But for the order of sums.
                other = away
            elif other is None:
                break
            else:
                same = away
        if other is not None:
            raise ValueError(
                "The loss changes with the weights, but its gradient is 0, also where it changes, so that chains "
                "cannot follow it. It may count mistakes, round, compare, or cut the gradient off (stop_gradient, "
                "detach)."
            )
    return places


def _slope(energy: Energy, direction: list, away: float, batches: list[np.ndarray]) -> float:
    """The slope of the loss along the direction, so far away from w*."""
    gradient = energy.at([w + away * d for w, d in zip(energy.anchor, direction, strict=True)]).gradient(batches)
    return sum(float(ops.sum(d * g)) for d, g in zip(direction, gradient, strict=True))
