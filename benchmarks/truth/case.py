"""A case of the truth set: a model at a true parameter, and what an estimator has to find there."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np

from keras_selfmodel.rlct.problem import Problem

# `(weights (chains, P)) -> (L − L(w*) (chains,), ∇L (chains, P))`, in float64.
Excess = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
# The value of E[nβ(L − L(w*))] under exp(−nβL − γ/2·|w − w*|²) and what is not known of it, from nβ and γ; `None` where
# it is not known.
Finite = Callable[[float, float], tuple[float, float] | None]


@dataclass(frozen=True)
class Built:
    """What the estimator gets, and the finite value to hold it against.

    Attributes:
        model: At w*.
        data: `(x, y)`.
        loss: Of a sample.
        finite: The value at finite nβ and γ.
    """

    model: keras.Model
    data: tuple
    loss: keras.losses.Loss
    finite: Finite

    @cached_property
    def problem(self) -> Problem:
        """What `estimate_rlct` makes of the first three, compiled once for all seeds."""
        return Problem.of(self.model, self.data, self.loss, training=False)


@dataclass(frozen=True)
class Case:
    """One problem of known RLCT.

    Attributes:
        family: Its family.
        name: Its name within the family.
        exact: The RLCT λ at w*.
        build: Makes model and data.
        cheap: Whether the tests take it.
        large: Whether it takes minutes, and is left out unless asked for.
        reference: Makes w* `(P,)` and the loss in NumPy, for the reference sampler (`truth.hamiltonian`); `None` where
            the finite value is computed otherwise.
    """

    family: str
    name: str
    exact: float
    build: Callable[[], Built]
    cheap: bool = False
    large: bool = False
    reference: Callable[[], tuple[np.ndarray, Excess]] | None = None


def usual_inverse_temperature(samples: int) -> float:
    """nβ = n/ln n."""
    return samples / math.log(samples)
