"""Compression of one network: its loss and accuracy against its size and against noise."""

from typing import TYPE_CHECKING

from keras_selfmodel._lazy_room import lazily

if TYPE_CHECKING:
    from keras_selfmodel.compression.calibration import brier_score, expected_calibration_error
    from keras_selfmodel.compression.corruptions import CORRUPTIONS, corrupted, corruption_curve
    from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
    from keras_selfmodel.compression.loss_and_accuracy import LossAndAccuracy
    from keras_selfmodel.compression.low_rank import low_rank_curve
    from keras_selfmodel.compression.pruning import magnitude_masks, pruning_curve
    from keras_selfmodel.compression.quantization import (
        KERAS_MODES,
        UniformQuantization,
        description_length,
        entropy_bits,
        keras_quantized,
        quantization_curves,
        quantized,
        uniform_quantizations,
    )
    from keras_selfmodel.compression.retraining import retrained_pruning_curve
    from keras_selfmodel.compression.scored_network import ScoredNetwork
    from keras_selfmodel.compression.units import unit_curve, unit_influences
    from keras_selfmodel.compression.weight_noise import weight_noise_curve

__all__ = [
    "CORRUPTIONS",
    "CompressionCurve",
    "CurvePoint",
    "KERAS_MODES",
    "LossAndAccuracy",
    "ScoredNetwork",
    "UniformQuantization",
    "brier_score",
    "corrupted",
    "corruption_curve",
    "description_length",
    "entropy_bits",
    "expected_calibration_error",
    "keras_quantized",
    "low_rank_curve",
    "magnitude_masks",
    "pruning_curve",
    "quantization_curves",
    "quantized",
    "retrained_pruning_curve",
    "uniform_quantizations",
    "unit_curve",
    "unit_influences",
    "weight_noise_curve",
]

__getattr__, __dir__ = lazily(__name__)
