"""What a sampler is."""

from collections.abc import Callable
from typing import ClassVar, Protocol

from keras import ops


class Sampler(Protocol):
    """Moves all chains by one step through p(w) ∝ exp(−U(w)), U = nβ L(w) + γ/2 |w − w*|².

    Every array has a leading axis of chains.

    Attributes:
        curvature_step: ε·A that is safe, A the largest curvature of U; `None` if the sampler rescales the weights, so
            that no curvature tells its step size.
    """

    curvature_step: ClassVar[float | None]

    def start(self, weights: list, key) -> tuple[list, object]:
        """The sampler's own arrays before the first step.

        Args:
            weights: w, where the chains start.
            key: State of the random numbers, for `transforms.normals`.

        Returns:
            The arrays, and the key to go on with.
        """

    def step(
        self, weights: list, state: list, gradients: list, force: Callable, normals: list, step_size, friction
    ) -> tuple:
        """One step.

        Args:
            weights: w.
            state: As `start` or the last step returned it.
            gradients: ∇L_B(w) of a batch.
            force: `force(i)` is −nβ ∇L_B(w) − γ (w − w*) of the i-th weight array.
            normals: Standard normal numbers of the weights' shapes.
            step_size: ε, a scalar.
            friction: Friction times time step, a scalar; only samplers with momenta know it.

        Returns:
            The next weights, the next state, and the heat `(chains,)`: half its mean over the steps of a stationary
            chain is what the noise of the batches and the length of the step add to nβ(L − L*), exactly so where U is
            quadratic.
        """


def total(values):
    """The sum over all axes but that of the chains."""
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))
