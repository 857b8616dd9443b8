"""Compressed networks that nobody computed, with chosen sizes."""

from keras_selfmodel.compression import CompressionCurve, CurvePoint, LossAndAccuracy
from keras_selfmodel.studies.compression import CURVES, CompressedRun, Compression, CompressionProtocol
from tests.studies.made_up import made_up_run


def made_up_compression(aux_weight=10.0, seed=1, *, size=0.5, noise=0.3, ece=0.02, units=True, **run) -> CompressedRun:
    """A network that is compressed to `size`, of 1, at a rise of 0.1 nat."""
    curves = {
        name: _curve(0.0, noise) if "noise" in name or "input" in name else _curve(1.0, size)
        for name in CURVES
        if units or name != "units"
    }
    compression = Compression(
        network="ab" * 32, compressed_on="jax", protocol=CompressionProtocol(100), size=1000,
        intact=LossAndAccuracy(0.0, 0.95), ece=ece, brier=0.1, units=8, dead_units=1, participation_ratio=3.0,
        entropy_rank=4.0, description_bits=1e4, curves=curves, by_keras={"int8": LossAndAccuracy(0.2, 0.95)},
        not_measured={} if units else {"units": "the final layer has no bias"},
    )  # fmt: skip
    return CompressedRun(made_up_run(aux_weight, seed, **run), compression)


def _curve(intact: float, at_rise: float | None) -> CompressionCurve:
    last = CurvePoint(0.5 * (intact + 0.6), 0.05, 0.94) if at_rise is None else CurvePoint(at_rise, 0.1, 0.9)
    return CompressionCurve("made up", "size", (CurvePoint(intact, 0.0, 0.95), last))
