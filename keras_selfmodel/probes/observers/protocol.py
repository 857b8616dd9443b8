"""What observers see and predict, and their training budget."""

from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple


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


@dataclass(frozen=True)
class ObserverProtocol:
    """Settings shared by all observed networks.

    An observer of capacity 0 is linear: the exact least-squares solution. One of capacity H has a hidden layer of H
    ReLU units, starts from the same weights for every network, and learns by Adam from the same samples in the same
    batches, for the same number of steps.

    Attributes:
        capacities: Hidden units of the observers; 0 for the linear one.
        samples: Training samples of the network that an observer learns from: the first of a permutation by the seed.
        held_out: Number of test samples, the first ones.
        epochs: Passes of an observer with hidden units over its samples.
        batch_size: Samples of one step.
        learning_rate: Of Adam.
        seed: Seed of samples and initial weights.

    Raises:
        ValueError: If a setting is out of its range.
    """

    capacities: tuple[int, ...] = (0, 16, 64, 256)
    samples: int = 10_000
    held_out: int = 10_000
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
        for name, least in {"samples": 2, "held_out": 2, "epochs": 1, "batch_size": 1, "seed": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}. Received: {name}={getattr(self, name)}")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate must be positive. Received: learning_rate={self.learning_rate}")

    def to_dict(self) -> dict:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "capacities": list(self.capacities)}
