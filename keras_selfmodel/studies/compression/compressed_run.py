"""What was found out about a network that was compressed."""

from dataclasses import dataclass

from keras_selfmodel._installation import Backend
from keras_selfmodel._typed_files import TypedFile
from keras_selfmodel.compression import CompressionCurve, LossAndAccuracy
from keras_selfmodel.experiments import RunResult
from keras_selfmodel.studies.compression.protocol import CompressionProtocol


@dataclass(frozen=True)
class Compression:
    """The file `compression.json` in a run's folder.

    Attributes:
        network: Digest of the network's file: a run computed anew is another one.
        compressed_on: Backend that computed it, which may be another than the run's.
        protocol: Samples and draws.
        size: Numbers in the kernels.
        intact: Loss and accuracy of the network as it is.
        ece: Expected calibration error, 15 bins; `None` where there are no classes.
        brier: Brier score.
        units: Units that the final layer reads; `None` where it cannot be found, as the three that follow.
        dead_units: How many of them do not vary.
        participation_ratio: Effective rank of their activations; `None` if nothing varies.
        entropy_rank: The same by entropy.
        description_bits: Shortest two-part code of labels and kernels; see `compression.description_length`.
        curves: By name, as in `CURVES`.
        by_keras: Loss and accuracy after Keras's own quantization, by mode.
        not_measured: Why others are missing, by name.
    """

    network: str
    compressed_on: Backend
    protocol: CompressionProtocol
    size: int
    intact: LossAndAccuracy
    ece: float | None
    brier: float | None
    units: int | None
    dead_units: int | None
    participation_ratio: float | None
    entropy_rank: float | None
    description_bits: float
    curves: dict[str, CompressionCurve]
    by_keras: dict[str, LossAndAccuracy]
    not_measured: dict[str, str]

    @property
    def made_by(self) -> tuple[CompressionProtocol, str]:
        """What compressed networks must share to be compared."""
        return self.protocol, self.compressed_on


COMPRESSION = TypedFile(Compression, format=2)
"""Reads and writes `compression.json`."""

CURVES = (
    "pruning",
    "pruning_per_layer",
    "pruning_retrained",
    "units",
    "bits",
    "coded_bits",
    "rank",
    "weight_noise",
    "weight_noise_absolute",
    "input_noise",
    "input_blur",
    "input_shift",
    "input_occlusion",
)
"""Names of the curves of a network of images whose final layer is Dense; "pruning_retrained" where it is asked for."""


@dataclass(frozen=True)
class CompressedRun:
    """A network and what became of it when it was compressed.

    Attributes:
        result: The network's run.
        compression: What became of it.
        not_kept: Why that could not be written to the run's folder; `None` if it is there.
    """

    result: RunResult
    compression: Compression
    not_kept: OSError | None = None
