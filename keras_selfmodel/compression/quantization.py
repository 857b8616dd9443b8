"""Kernels in few bits: uniform steps, and Keras's own quantization."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_selfmodel._internals.keras import give_weights, layers_inside
from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.fixed_batches import states_of
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

    Raises:
        ValueError: If there are fewer than two levels.

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


@dataclass(frozen=True)
class UniformQuantization:
    """A network each of whose kernels is rounded to even steps over its own range, or the network as it is.

    Attributes:
        bits: log₂ levels; 32 for the network as it is.
        coded_bits: Entropy of the codes, in bits per weight; 32 for the network as it is.
        score: Its loss and accuracy.
    """

    bits: float
    coded_bits: float
    score: LossAndAccuracy


def uniform_quantizations(network: ScoredNetwork, levels: tuple[int, ...] = LEVELS) -> tuple[UniformQuantization, ...]:
    """The network as it is, in 32 bits, and quantized to fewer and fewer levels.

    Args:
        network: A network and its samples.
        levels: Numbers of levels, falling.

    Raises:
        ValueError: If there are fewer than two levels.
    """
    found, kernels = [UniformQuantization(32.0, 32.0, network.score())], network.matrices
    for number in levels:
        rounded = {place: quantized(values, number) for place, values in kernels.items()}
        score = network.score({place: values for place, (values, _) in rounded.items()})
        bits = sum(entropy_bits(codes) * codes.size for _, codes in rounded.values()) / network.size
        found.append(UniformQuantization(math.log2(number), bits, score))
    return tuple(found)


def quantization_curves(quantizations: Sequence[UniformQuantization]) -> tuple[CompressionCurve, CompressionCurve]:
    """Loss and accuracy against bits per weight.

    Args:
        quantizations: As `uniform_quantizations` finds them.

    Returns:
        The same networks against log₂ levels, and against the entropy of their codes: bits per weight after coding.
        Codes of fewer levels may have the greater entropy: of three levels, most weights get the middle one; with
        two, each level gets half. The amounts of a curve must fall: there, such a network has the
        bits of the one before it.

    Raises:
        ValueError: If the levels do not fall, or the loss of the network as it is is not a number.
    """
    plain: list[CurvePoint] = []
    coded: list[CurvePoint] = []
    for one in quantizations:
        plain.append(CurvePoint.of(one.bits, one.score))
        coded.append(CurvePoint.of(min(one.coded_bits, coded[-1].amount if coded else math.inf), one.score))
    name = "uniform quantization"
    return (
        CompressionCurve(name, "bits per weight", tuple(plain)),
        CompressionCurve(f"{name}, coded", "bits per weight, entropy of the codes", tuple(coded)),
    )


def description_length(quantizations: Sequence[UniformQuantization], size: int, samples: int) -> float:
    """The shortest two-part code of labels and kernels in bits: min over quantizations of n·loss/ln 2 + bits·weights.

    Counted are the labels, given the inputs, and the codes of the kernels, at their entropy. Not counted is what every
    network needs likewise, and what is little beside the codes: biases and what normalizes, which are not quantized;
    each kernel's range; the frequencies by which the codes are coded; and which quantization it is.

    Args:
        quantizations: As `uniform_quantizations` finds them, of a loss that is the labels' negative log-likelihood in
            nats per sample.
        size: How many weights the kernels have.
        samples: How many samples n are described.

    Raises:
        ValueError: If none has a loss that is a number.

    Reference:
        arXiv 2510.12077 compares it with n·loss + λ·ln n, λ the RLCT.
    """
    lengths = [
        samples * one.score.loss / math.log(2) + size * one.coded_bits
        for one in quantizations
        if math.isfinite(one.score.loss)
    ]
    if not lengths:
        raise ValueError("No quantization has a loss that is a number: there is nothing to describe the labels by.")
    return min(lengths)


def keras_quantized(network: ScoredNetwork, mode: str = "int8") -> LossAndAccuracy:
    """The score of a copy of the model after Keras's own `model.quantize(mode)`.

    Args:
        network: A network and its samples.
        mode: One of `KERAS_MODES`.

    Raises:
        ValueError: If Keras has no such mode, or can neither copy the model nor quantize it; if it is quantized
            already, or was trained after it was scored.
    """
    network.check_unchanged()
    for layer in layers_inside(network.model):
        if already := getattr(layer, "quantization_mode", None):
            raise ValueError(
                f"Keras quantizes no model twice. Received: {network.model.name!r}, whose layer {layer.name!r} is "
                f"quantized by {already!r}"
            )
    copy = _copy(network)
    ours, theirs = network.intact.loss, network.scorer(copy)().loss
    if not np.isclose(theirs, ours, rtol=1e-4, atol=1e-5, equal_nan=True):
        raise ValueError(
            f"Keras's copy of {network.model.name!r}, and it is a copy that is quantized, has a loss of {theirs:.6g}, "
            f"not {ours:.6g}: a custom layer computes with something that is neither in its get_config nor a weight."
        )
    try:
        with warnings.catch_warnings():
            # Layers without weights are left as they are, which Keras warns of.
            warnings.filterwarnings("ignore", "Layer .* does not have a `quantize` method implemented", UserWarning)
            copy.quantize(mode)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(f"Keras cannot quantize {network.model.name!r} by mode={mode!r}: {error}") from error
    if not any(getattr(layer, "quantization_mode", None) == mode for layer in layers_inside(copy)):
        raise ValueError(f"Keras has quantized no layer of {network.model.name!r} by mode={mode!r}.")
    return network.scorer(copy)().score


def _copy(network: ScoredNetwork) -> keras.Model:
    """A copy of the model with the weights that were scored."""
    model = network.model
    try:
        copy = keras.models.clone_model(model)
        for its, of_model in zip(layers_inside(copy), layers_inside(model), strict=True):
            if getattr(of_model, "lora_enabled", False):  # Keras 3.15 builds them with lora_alpha = lora_rank.
                its.lora_alpha = of_model.lora_alpha
        with network.as_made():
            give_weights(copy, network.weights)
            for theirs, ours in zip(states_of(copy).values(), states_of(model).values(), strict=True):
                for state, value in zip(theirs, ours, strict=True):
                    state.assign(value)
    except Exception as error:  # whatever a user's class makes of its settings
        raise ValueError(
            f"Keras cannot copy {model.name!r}, and it is a copy that is quantized. Custom classes need get_config and "
            "from_config, and must build the same weights from them. Received: a model of type "
            f"{type(model).__name__}; {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        ) from error
    return copy
