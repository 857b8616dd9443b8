"""What a search maximizes: one number per trial."""

import math
from dataclasses import dataclass
from typing import Literal

from keras_selfmodel.experiments import RunResult

# RunResult's name of each measure that a score can set against the accuracy.
COMPLEXITIES = {"rlct": "rlct", "spread": "weight_spread"}
SCORES = ("accuracy", *COMPLEXITIES)
"""What a search can maximize."""


@dataclass(frozen=True)
class Score:
    """score = min(accuracy, A) − price · complexity, which a search maximizes.

    Accuracies are those of the validation data. Complexity alone is not a sensible score, because collapsed
    networks have the lowest: the price says how much accuracy one unit of complexity costs.

    Attributes:
        name: "rlct" or "spread", the complexity; with "accuracy" nothing is subtracted, whatever the price.
        price: ≥ 0, accuracy (0 … 1) for one unit of RLCT or weight spread. 0.001 suits the RLCT of the paper's
            convention, which is ten times smaller than that of the literature's.
        enough_accuracy: A, the accuracy above which gains do not count; 1 for no limit. With 0.95 and a small price,
            the simplest network with an accuracy of 0.95 is found.

    Raises:
        ValueError: If the name is unknown, the price negative or not finite, or the accuracy not in 0 … 1.

    Example:

    >>> Score("rlct", price=0.001)
    Score(name='rlct', price=0.001, enough_accuracy=1.0)
    """

    name: Literal["accuracy", "rlct", "spread"] = "rlct"
    price: float = 0.001
    enough_accuracy: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in SCORES:
            raise ValueError(f"name must be one of {', '.join(SCORES)}. Received: {self.name!r}")
        if not (math.isfinite(self.price) and self.price >= 0):
            raise ValueError(f"price must be finite and not negative. Received: price={self.price}")
        if not 0 <= self.enough_accuracy <= 1:
            raise ValueError(f"enough_accuracy must be in 0 … 1. Received: enough_accuracy={self.enough_accuracy}")

    def of(self, result: RunResult) -> float | None:
        """The score of a run, or `None` if its complexity was not measured, is not a number or is not to be used."""
        accuracy = min(result.accuracy, self.enough_accuracy)
        if self.name == "accuracy":
            return accuracy
        complexity = result.number(COMPLEXITIES[self.name])
        return None if complexity is None else accuracy - self.price * complexity

    def missing(self, result: RunResult) -> str:
        """Why a run has no score, in a sentence."""
        estimate = result.rlct if self.name == "rlct" else None
        if estimate is not None and estimate.value is not None:
            return f"No score: its RLCT is not to be used. {' '.join(estimate.warnings)}".rstrip()
        return "No score: its complexity is not a number, or was not measured."

    def __str__(self) -> str:
        accuracy = "accuracy" if self.enough_accuracy == 1 else f"min(accuracy, {self.enough_accuracy:g})"
        if self.name == "accuracy":
            return accuracy
        return f"{accuracy} − {self.price:g} · {'RLCT' if self.name == 'rlct' else 'weight spread'}"
