"""How well a network does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LossAndAccuracy:
    """How well a network does.

    Attributes:
        loss: Mean loss over the samples.
        accuracy: Fraction of the samples classified correctly; `None` where there are no classes.
    """

    loss: float
    accuracy: float | None
