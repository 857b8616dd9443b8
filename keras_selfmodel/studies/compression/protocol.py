"""What all compressed networks share."""

from dataclasses import dataclass, replace

from keras_selfmodel._ranges import NumberRange
from keras_selfmodel._wrong_values import check_settings

COMPRESSION_RANGES = {
    "samples": NumberRange(2, 10**9, whole=True),
    "draws": NumberRange(1, 10**6, whole=True),
    "seed": NumberRange(0, 2**32 - 1, whole=True),
    "retraining_epochs": NumberRange(0, 10**6, whole=True),
}
"""What the settings that are numbers may be."""


@dataclass(frozen=True)
class CompressionProtocol:
    """Settings shared by all networks that are compressed.

    Attributes:
        samples: Number of test samples, the first ones; `None` for all.
        draws: Number of noise draws on the weights.
        seed: Seed of all noise and corruptions.
        retraining_epochs: Epochs of training after pruning, for a curve of its own; 0 for none.

    Raises:
        ValueError: If a setting is out of its range.
    """

    samples: int | None = None
    draws: int = 4
    seed: int = 0
    retraining_epochs: int = 0

    def __post_init__(self) -> None:
        check_settings(self, COMPRESSION_RANGES)

    def of_data(self, samples: int) -> "CompressionProtocol":
        """The same with the number of test samples.

        Raises:
            ValueError: If there are fewer than it asks for.
        """
        if self.samples is not None and self.samples > samples:
            raise ValueError(
                f"samples must be at most the {samples:,} test samples that the data have. Received: "
                f"samples={self.samples:,}"
            )
        return replace(self, samples=samples if self.samples is None else self.samples)
