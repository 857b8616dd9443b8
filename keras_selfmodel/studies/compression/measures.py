"""The numbers of a compressed network that are compared."""

from dataclasses import dataclass

from keras_selfmodel.compression.curve import RISES
from keras_selfmodel.studies.compression.compressed_run import CURVES, CompressedRun, Compression

FALL = 0.01
"""The fall of the accuracy at which networks are listed too."""
RISE = max(RISES)
"""The rise of the loss, in nats, at which networks are compared."""


@dataclass(frozen=True)
class CompressionMeasure:
    """A number of each network.

    Attributes:
        name: The curve whose amount at a rise of 0.1 nat it is, or an attribute of `Compression`.
        title: How people read it, with its unit.
        better: Which numbers are better.
        is_size: Whether it is a size of the network.
        factor: What it is multiplied by where it is shown.
        digits: Decimal places worth showing then.
    """

    name: str
    title: str
    better: str
    is_size: bool = False
    factor: float = 1.0
    digits: int = 2

    def of(self, compression: Compression) -> float | None:
        """Its value; `None` if it was not measured, or the curve does not reach the rise."""
        if self.name in CURVES:
            curve = compression.curves.get(self.name)
            return None if curve is None else curve.at_rise(RISE)
        return getattr(compression, self.name)

    @property
    def sign(self) -> int:
        """What makes lower numbers better."""
        return 1 if self.better == "lower" else -1


COMPRESSION_MEASURES: dict[str, CompressionMeasure] = {
    one.name: one
    for one in (
        CompressionMeasure("pruning", "weights / %", "lower", True, 100, 1),
        CompressionMeasure("units", "units / %", "lower", True, 100, 1),
        CompressionMeasure("bits", "bits", "lower", True),
        CompressionMeasure("rank", "rank / %", "lower", True, 100, 1),
        CompressionMeasure("weight_noise", "weight noise", "higher", digits=3),
        CompressionMeasure("input_noise", "input noise", "higher", digits=3),
        CompressionMeasure("ece", "ECE / %", "lower", factor=100),
    )
}
"""What is tested, one family for Holm's correction."""

RETRAINED_PRUNING = CompressionMeasure("pruning_retrained", "weights, retrained / %", "lower", True, 100, 1)
"""What is shown beside it and not tested, where the protocol asks for it."""

NETWORK_SIZES = tuple(name for name, one in COMPRESSION_MEASURES.items() if one.is_size)
"""Names of the measures that are sizes of a network."""


def compressed_rows(found: list[CompressedRun]) -> list[dict]:
    """Every network as one row, by column; an amount that is not reached is empty."""
    rows = []
    for network in found:
        result, one = network.result, network.compression
        row = {
            "run": result.folder.name,
            "task": result.recipe.task,
            "objective": result.recipe.objective,
            "hidden": result.recipe.hidden,
            "aux_weight": result.recipe.aux_weight,
            "seed": result.recipe.seed,
            "backend": result.backend,
            "compressed_on": one.compressed_on,
            "rlct": result.number("rlct"),
            "weight_spread": result.weight_spread,
            "size": one.size,
            "loss": one.intact.loss,
            "accuracy": one.intact.accuracy,
            **{name: getattr(one, name) for name in ("ece", "brier", "units", "dead_units")},
            **{name: getattr(one, name) for name in ("participation_ratio", "entropy_rank", "description_bits")},
        }
        for name in CURVES:
            curve = one.curves.get(name)
            for rise in RISES:
                row[f"{name} at +{rise:g} nat"] = None if curve is None else curve.at_rise(rise)
            row[f"{name} at -1 point"] = None if curve is None else curve.at_fall(FALL)
        for mode in ("int8", "int4"):
            score = one.by_keras.get(mode)
            row[f"{mode} loss"] = None if score is None else score.loss
            row[f"{mode} accuracy"] = None if score is None else score.accuracy
        rows.append(row)
    return rows
