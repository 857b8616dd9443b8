"""Noise on the weights: how flat the loss is around them."""

from typing import Literal, get_args

import numpy as np

from keras_selfmodel.compression.curve import RISES, CompressionCurve, CurvePoint
from keras_selfmodel.compression.loss_and_accuracy import LossAndAccuracy
from keras_selfmodel.compression.scored_network import ScoredNetwork

NoiseScale = Literal["relative", "absolute"]

FIRST, FACTOR, MOST = 0.01, 2.0, 14


def weight_noise_curve(
    network: ScoredNetwork,
    scale: NoiseScale = "relative",
    *,
    draws: int = 4,
    seed: int = 0,
) -> CompressionCurve:
    """Loss and accuracy against the standard deviation σ of Gaussian noise on the kernels, mean over draws.

    Every σ multiplies the same standard normal numbers, so that the curve has no noise of its own. σ doubles from 0.01
    until the loss has risen by more than 0.1 nat; then the rises of 0.01 and 0.1 are searched for by bisection.

    Args:
        network: A network and its samples.
        scale: "relative": σ is in units of each kernel's root mean square, so that rescaling a layer changes nothing;
            "absolute": in the units of the weights.
        draws: How many, at least 1.
        seed: Seed of the draws.

    Raises:
        ValueError: If there is no such scale, there are no draws, or the network's loss is not a number.
    """
    if scale not in get_args(NoiseScale):
        raise ValueError(f"scale must be 'relative' or 'absolute'. Received: scale={scale!r}")
    if draws < 1:
        raise ValueError(f"draws must be at least 1. Received: draws={draws}")
    kernels = network.matrices
    rng = np.random.default_rng(seed)
    noise = [{place: rng.standard_normal(values.shape) for place, values in kernels.items()} for _ in range(draws)]
    units = {
        place: np.sqrt(np.mean(values.astype(np.float64) ** 2)) if scale == "relative" else 1.0
        for place, values in kernels.items()
    }

    def score(sigma: float) -> LossAndAccuracy:
        found = [
            network.score({place: kernels[place] + sigma * units[place] * one[place] for place in kernels})
            for one in noise
        ]
        accuracies = [one.accuracy for one in found if one.accuracy is not None]
        return LossAndAccuracy(
            float(np.mean([one.loss for one in found])), float(np.mean(accuracies)) if accuracies else None
        )

    points = [CurvePoint.of(0.0, network.score())]
    for step in range(MOST):
        points.append(CurvePoint.of(FIRST * FACTOR**step, score(FIRST * FACTOR**step)))
        if points[-1].loss is None or points[-1].loss - (points[0].loss or 0.0) > max(RISES):
            break
    unit = "σ in units of each kernel's RMS" if scale == "relative" else "σ"
    return CompressionCurve(f"noise on weights, {scale}", unit, tuple(points)).refined(score, RISES)
