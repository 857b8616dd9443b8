"""Inputs made worse: noise, and for images blur, shift and occlusion."""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.scored_network import ScoredNetwork
from keras_selfmodel.datasets.input_noise import with_noise

Corruption = Literal["noise", "blur", "shift", "occlusion"]
CORRUPTIONS: tuple[Corruption, ...] = get_args(Corruption)
"""What can be done to the images of a test."""

UNITS: dict[Corruption, str] = {
    "noise": "σ in units of the inputs' range",
    "blur": "σ in pixels",
    "shift": "pixels",
    "occlusion": "side of the square in units of the image's shorter side",
}
AMOUNTS: dict[Corruption, tuple[float, ...]] = {
    "noise": (0.0, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2.0),
    "blur": (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0),
    "shift": (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
    "occlusion": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
}
"""Strengths, one after another."""


def corrupted(x: np.ndarray, kind: Corruption, amount: float, *, seed: int = 0) -> np.ndarray:
    """Inputs with a corruption of some strength, drawn by the seed: the same seed, the same draws at every strength.

    Args:
        x: Numbers `(samples, ...)`; for all but noise, images `(samples, height, width, channels)`.
        kind: "noise": Gaussian, on every number, cut off at the range of `x`; "blur": Gaussian; "shift": by so many
            pixels in a direction drawn for each image, what comes in has the smallest value of `x`; "occlusion": a
            square at a place drawn for each image gets the middle of the range.
        amount: Strength, in the unit that `UNITS` names; 0 changes nothing.
        seed: Seed of the draws.

    Returns:
        float32, of the same shape and in the same range.

    Raises:
        ValueError: If `x` are no images and the corruption needs some, or the strength is negative.

    Example:

    >>> image = np.arange(4.0).reshape(1, 2, 2, 1)
    >>> sorted(set(corrupted(image, "occlusion", 1.0).ravel().tolist()))
    [1.5]
    """
    if kind not in CORRUPTIONS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, CORRUPTIONS))}. Received: kind={kind!r}")
    if kind != "noise" and x.ndim != 4:
        raise ValueError(f"kind={kind!r} needs images (samples, height, width, channels). Received: shape {x.shape}")
    if not amount >= 0:
        raise ValueError(f"amount must not be negative. Received: amount={amount}")
    values, low, high = x.astype(np.float32), float(x.min()), float(x.max())
    if amount == 0:
        return values
    rng = np.random.default_rng(seed)
    if kind == "noise":
        return with_noise(x, amount, rng)
    if kind == "blur":
        from scipy.ndimage import gaussian_filter

        return gaussian_filter(values, sigma=(0, amount, amount, 0), mode="nearest")
    return (_shifted if kind == "shift" else _occluded)(values, amount, low, high, rng)


def corruption_curve(
    network: ScoredNetwork,
    x: np.ndarray,
    kind: Corruption,
    *,
    amounts: tuple[float, ...] | None = None,
    seed: int = 0,
    prepare: Callable[[np.ndarray], np.ndarray] = lambda x: x,
) -> CompressionCurve:
    """Loss and accuracy against the strength of a corruption.

    Args:
        network: A network and its samples.
        x: The inputs of the same samples as they are corrupted.
        kind: As for `corrupted`.
        amounts: Strengths, rising from 0; `None` for `AMOUNTS`.
        seed: Seed of the draws.
        prepare: Turns corrupted inputs into what the network takes.

    Raises:
        ValueError: As `corrupted`; if the amounts do not rise, or the loss at the first is not a number.
    """
    points = [
        CurvePoint.of(amount, network.score(x=prepare(corrupted(x, kind, amount, seed=seed))))
        for amount in (AMOUNTS[kind] if amounts is None else amounts)
    ]
    return CompressionCurve(f"inputs: {kind}", UNITS[kind], tuple(points))


def _shifted(x: np.ndarray, amount: float, low: float, _: float, rng: np.random.Generator) -> np.ndarray:
    angles = rng.uniform(0, 2 * np.pi, len(x))
    down, right = (np.rint(amount * function(angles)).astype(int) for function in (np.sin, np.cos))
    height, width = x.shape[1:3]
    rows, columns = (np.arange(size)[None] - by[:, None] for size, by in ((height, down), (width, right)))
    images, from_row, from_column = np.arange(len(x)), rows.clip(0, height - 1), columns.clip(0, width - 1)
    moved = x[images[:, None, None], from_row[:, :, None], from_column[:, None]]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    return np.where(inside[..., None], moved, np.float32(low))


def _occluded(x: np.ndarray, amount: float, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    height, width = x.shape[1:3]
    side = round(min(amount, 1.0) * min(height, width))
    # Parts of the way, so that a larger square lies around the same place.
    places = rng.uniform(size=(2, len(x)))
    top, left = (np.rint(part * (size - side)).astype(int) for part, size in zip(places, (height, width), strict=True))
    rows, columns = (
        (np.arange(size)[None] >= start[:, None]) & (np.arange(size)[None] < start[:, None] + side)
        for size, start in ((height, top), (width, left))
    )
    return np.where((rows[:, :, None] & columns[:, None])[..., None], np.float32((low + high) / 2), x)
