"""Every setting of one run."""

import dataclasses
import math
from dataclasses import dataclass, field

from keras_selfmodel.rlct import SamplingSettings


@dataclass(frozen=True)
class Recipe:
    """Every setting that decides the numbers of one run, besides the data and the backend.

    Attributes:
        task: Name of the task, such as "mnist".
        hidden: Units of the hidden layer.
        aux_weight: AW ≥ 0. With 0 the plain classifier is trained, without a head.
        targets: Names of the layers whose activations are predicted.
        epochs: Passes over the training data.
        batch_size: Samples of one training step; the last batch of an epoch may be smaller.
        learning_rate: Learning rate of the task's optimizer.
        momentum: Nesterov momentum; 0 for none.
        seed: Seed of the initial weights, the order of the data and the sampling.
        rlct: Settings of the RLCT estimation, with the recipe's seed; `None` leaves it out.
    """

    task: str
    hidden: int
    aux_weight: float
    targets: tuple[str, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    seed: int
    rlct: SamplingSettings | None = field(default_factory=SamplingSettings)

    def __post_init__(self) -> None:
        for name, minimum in {"hidden": 1, "epochs": 1, "batch_size": 1, "seed": 0}.items():
            value = getattr(self, name)
            if value != int(value) or value < minimum:
                raise ValueError(f"{name} must be a whole number, at least {minimum}. Received: {name}={value}")
        for name in ("aux_weight", "learning_rate", "momentum"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and not negative. Received: {name}={value}")
        object.__setattr__(self, "targets", (self.targets,) if isinstance(self.targets, str) else tuple(self.targets))
        if self.rlct is not None:
            object.__setattr__(self, "rlct", dataclasses.replace(self.rlct, seed=self.seed))

    @property
    def name(self) -> str:
        """What runs of a grid differ in, as part of a folder's name."""
        return f"{self.task}-hidden{self.hidden}-aux{self.aux_weight:g}-seed{self.seed}"

    def to_dict(self) -> dict:
        """Plain values, as JSON holds them."""
        return {**dataclasses.asdict(self), "targets": list(self.targets)}

    @classmethod
    def from_dict(cls, values: dict) -> "Recipe":
        """The inverse of `to_dict`."""
        rlct = values["rlct"]
        return cls(
            **{
                **values,
                "targets": tuple(values["targets"]),
                "rlct": None if rlct is None else SamplingSettings(**rlct),
            }
        )
