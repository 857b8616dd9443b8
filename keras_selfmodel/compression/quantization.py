"""Kernels in few bits: uniform steps, and Keras's own quantization."""

import math
import warnings

import keras
import numpy as np

from keras_selfmodel._internals.keras import layers_inside
from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.loss_and_accuracy import LossAndAccuracy
from keras_selfmodel.compression.scored_network import ScoredNetwork

LEVELS = (256, 181, 128, 91, 64, 45, 32, 23, 16, 11, 8, 6, 4, 3, 2)
"""Numbers of levels, one after another: 8 bits to 1 in steps of about half a bit."""

KERAS_MODES = ("int8", "int4")
"""Modes of `keras.Model.quantize` that need no samples to calibrate with."""


def quantized(values: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers rounded to evenly spaced levels from their smallest to their largest.

    Args:
        values: Numbers of any shape.
        levels: How many, at least 2.

    Returns:
        The rounded numbers, and the number of each one's level, 0 … levels − 1.

    Example:

    >>> rounded, codes = quantized(np.array([0.0, 0.4, 1.0]), 3)
    >>> rounded.tolist(), codes.tolist()
    ([0.0, 0.5, 1.0], [0, 1, 2])
    """
    if levels < 2:
        raise ValueError(f"levels must be at least 2. Received: levels={levels}")
    low, high = float(values.min()), float(values.max())
    step = (high - low) / (levels - 1)
    if step == 0:
        return values.astype(np.float64), np.zeros(values.shape, int)
    codes = np.rint((values.astype(np.float64) - low) / step).astype(int)
    return low + step * codes, codes


def entropy_bits(codes: np.ndarray) -> float:
    """Shannon's entropy of the codes' frequencies, −Σ p·log₂ p: bits per number that an ideal coder needs.

    Args:
        codes: Whole numbers of any shape.

    Example:

    >>> entropy_bits(np.array([0, 0, 1, 2]))
    1.5
    """
    counts = np.unique(codes, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def quantization_curves(
    network: ScoredNetwork, levels: tuple[int, ...] = LEVELS
) -> tuple[CompressionCurve, CompressionCurve]:
    """Loss and accuracy against bits per weight, each kernel in even steps over its own range.

    The intact network, in 32 bits, comes first.

    Args:
        network: A network and its samples.
        levels: Numbers of levels, falling.

    Returns:
        The same networks against log₂ levels, and against the entropy of their codes: bits per weight after coding.
    """
    intact, kernels = network.score(), network.matrices
    plain, coded = [CurvePoint.of(32.0, intact)], [CurvePoint.of(32.0, intact)]
    for number in levels:
        found = {name: quantized(values, number) for name, values in kernels.items()}
        score = network.score({name: values for name, (values, _) in found.items()})
        bits = sum(entropy_bits(codes) * codes.size for _, codes in found.values()) / network.size
        plain.append(CurvePoint.of(math.log2(number), score))
        # Rarely, fewer levels cut a kernel's mass more evenly: what needs no more bits is no smaller for it.
        coded.append(CurvePoint.of(min(bits, coded[-1].amount), score))
    name = "uniform quantization"
    return (
        CompressionCurve(name, "bits per weight", tuple(plain)),
        CompressionCurve(f"{name}, coded", "bits per weight, entropy of the codes", tuple(coded)),
    )


def description_length(coded: CompressionCurve, size: int, samples: int) -> float:
    """The shortest two-part code of labels and weights in bits: min over quantizations of n·loss/ln 2 + bits·weights.

    Args:
        coded: Loss, in nats per sample, against bits per weight.
        size: How many weights.
        samples: How many samples n are described.

    Reference:
        arXiv 2510.12077 compares it with n·loss + λ·ln n, λ the RLCT.
    """
    return min(
        samples * point.loss / math.log(2) + size * point.amount for point in coded.points if point.loss is not None
    )


def keras_quantized(network: ScoredNetwork, mode: str = "int8") -> LossAndAccuracy:
    """The score of a copy of the model after Keras's own `model.quantize(mode)`.

    Args:
        network: A network and its samples.
        mode: One of `KERAS_MODES`.

    Raises:
        ValueError: If Keras has no such mode, or cannot quantize the model.
    """
    copy = keras.models.clone_model(network.model)
    copy.set_weights(network.weights)
    try:
        with warnings.catch_warnings():
            # Layers without weights are left as they are, which Keras warns of.
            warnings.filterwarnings("ignore", "Layer .* does not have a `quantize` method implemented", UserWarning)
            copy.quantize(mode)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(f"Keras cannot quantize {network.model.name!r} by mode={mode!r}: {error}") from error
    if not any(getattr(layer, "quantization_mode", None) == mode for layer in layers_inside(copy)):
        raise ValueError(f"Keras has quantized no layer of {network.model.name!r} by mode={mode!r}.")
    return network.of(copy).score
