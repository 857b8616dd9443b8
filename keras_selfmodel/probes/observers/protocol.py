"""What observers see and predict, and their training budget."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

from keras_selfmodel._ranges import NumberRange
from keras_selfmodel._wrong_values import check_settings

# Training and test samples, where there are as many.
SAMPLES = 10_000


class Question(NamedTuple):
    """What an observer predicts from what.

    Attributes:
        source: "inputs" of the network; its "logits"; or its "probabilities", softmax(logits), from which the common
            offset of the logits is gone.
        target: "activations" of the layers that self-modeling predicts, or "logits", the network's answers.
    """

    source: Literal["inputs", "logits", "probabilities"]
    target: Literal["activations", "logits"]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


QUESTIONS = (
    Question("inputs", "activations"),
    Question("inputs", "logits"),
    Question("logits", "activations"),
    Question("probabilities", "activations"),
)


OBSERVER_RANGES = {
    "samples": NumberRange(2, 10**9, whole=True),
    "held_out": NumberRange(2, 10**9, whole=True),
    "epochs": NumberRange(1, 10**6, whole=True),
    "batch_size": NumberRange(1, 10**9, whole=True),
    "learning_rate": NumberRange(0, above=True),
    "seed": NumberRange(0, 2**32 - 1, whole=True),
}
"""What the settings that are numbers may be."""


@dataclass(frozen=True)
class ObserverProtocol:
    """Settings shared by all observed networks.

    An observer of capacity 0 is linear: the exact least-squares solution. One of capacity H has a hidden layer of H
    ReLU units, starts from the same weights for every network, and learns by Adam from the same samples in the same
    batches, for the same number of steps.

    Attributes:
        capacities: Hidden units of the observers; 0 for the linear one.
        samples: Training samples of the network that an observer learns from: the first of a permutation by the seed.
            `None`: 10,000, or all where there are fewer.
        held_out: Number of test samples, the first ones. `None`: 10,000, or all where there are fewer.
        epochs: Passes of an observer with hidden units over its samples.
        batch_size: Samples of one step.
        learning_rate: Of Adam.
        seed: Seed of samples and initial weights.

    Raises:
        ValueError: If a setting is out of its range.
    """

    capacities: tuple[int, ...] = (0, 16, 64, 256)
    samples: int | None = None
    held_out: int | None = None
    epochs: int = 10
    batch_size: int = 100
    learning_rate: float = 0.002
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "capacities", tuple(sorted(set(self.capacities))))
        if not self.capacities or self.capacities[0] < 0:
            raise ValueError(
                f"capacities must contain at least one number, and no negative ones. Received: {list(self.capacities)}"
            )
        check_settings(self, OBSERVER_RANGES)

    def of_data(self, samples: int, held_out: int) -> "ObserverProtocol":
        """The same with numbers of samples.

        Args:
            samples: Training samples there are.
            held_out: Test samples there are.

        Raises:
            ValueError: If there are fewer than it asks for.

        Example:

        >>> protocol = ObserverProtocol(held_out=100).of_data(1400, 360)
        >>> protocol.samples, protocol.held_out
        (1400, 100)
        """
        found: dict[str, Any] = {}
        for name, there in (("samples", samples), ("held_out", held_out)):
            value = getattr(self, name)
            if value is not None and value > there:
                raise ValueError(f"{name} must be at most the {there:,} that the data have. Received: {name}={value:,}")
            found[name] = min(SAMPLES, there) if value is None else value
        return replace(self, **found)

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        return {**asdict(self), "capacities": list(self.capacities)}
