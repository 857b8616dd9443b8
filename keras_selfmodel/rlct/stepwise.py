"""What is computed in steps of chains: who asks for them, and what they bring back."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from keras_selfmodel import transforms

if TYPE_CHECKING:
    from keras_selfmodel.rlct.chains import Chains


class Trace(NamedTuple):
    """What is kept of each step, arrays `(chains, steps)`; the first three are those of `rlct.samplers.Step`.

    Attributes:
        losses: L_B(w).
        heat: The heat of the step.
        acceptance: The probability with which the draw was accepted.
        squares: |w − w*|²; NaN where it is not followed.
        virial: (w − w*)·∇L_B(w); NaN where it is not followed.
    """

    losses: np.ndarray
    heat: np.ndarray
    acceptance: np.ndarray
    squares: np.ndarray
    virial: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> "Trace":
        """From `(steps, rows, chains)`; rows that are missing are NaN."""
        rows = rows.astype(np.float64)
        missing = np.full((rows.shape[2], rows.shape[0]), np.nan)
        return cls(*(rows[:, row].T if row < rows.shape[1] else missing for row in range(len(cls._fields))))


class Request(NamedTuple):
    """What a sampling waits for: that chains take the next steps.

    Attributes:
        chains: The chains of one network.
        indices: Sample numbers, `(steps, chains, batch)`.
    """

    chains: "Chains"
    indices: np.ndarray


Result = TypeVar("Result")
# What is computed in steps: it asks for them, is sent what was met on the way, and returns a result.
Stepwise = Generator[Request, Trace, Result]


def alone(steps: Stepwise[Result]) -> Result:
    """Does what is asked for, one request after another, and returns the result.

    Products keep all bits of float32, on a GPU too: the estimate is a small difference of losses times nβ.
    """
    trace: Any = None  # A generator is started by None, which its type does not say.
    with transforms.float32_products():
        while True:
            try:
                request = steps.send(trace)
            except StopIteration as end:
                return end.value
            trace = request.chains.run(request.indices)
            del request  # The chains may be at their end, and hold memory.
