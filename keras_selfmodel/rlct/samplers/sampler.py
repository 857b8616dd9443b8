"""The interface of a sampler."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, Protocol

from keras_selfmodel import transforms
from keras_selfmodel.transforms import operations as ops
from keras_selfmodel.transforms.tensors import Key, Tensor


class Position(NamedTuple):
    """Where the chains are, with the loss and the force of a batch there. Every array has a leading axis of chains.

    Attributes:
        weights: w. A sampler may use its memory again once it is done with force and potential.
        losses: L_B(w), `(chains,)`.
        gradients: ∇L_B(w) of the same batch.
        force: `force(i)` is −∇U of the i-th weight array by that batch.
        potential: `potential()` is U = nβ L_B(w) + γ/2 |w − w*|², `(chains,)`; `None` where the sampler does not ask.
        inverse_temperature: nβ, a scalar.
    """

    weights: list
    losses: object
    gradients: list
    force: Callable
    potential: Callable | None
    inverse_temperature: Any


class Step(NamedTuple):
    """The result of a step.

    Attributes:
        weights: The next weights, at which gradients will be wanted.
        state: The sampler's next arrays.
        losses: L_B of the draw, `(chains,)`: that of the position, except where a draw can be rejected.
        heat: `(chains,)`: half its mean over the steps of a stationary chain is what the noise of the batches and the
            length of the step add to nβ(L − L*), exactly so where U is quadratic; too much of the noise in directions
            that the localization holds more than the loss, where most of it goes into γ/2 |w − w*|².
        acceptance: Probability with which the draw was accepted, `(chains,)`; 1 where none can be rejected.
    """

    weights: list
    state: list
    losses: object
    heat: object
    acceptance: object


class Sampler(Protocol):
    """Moves all chains by one step through p(w) ∝ exp(−U(w)), U = nβ L(w) + γ/2 |w − w*|².

    Attributes:
        curvature_step: ε·A that is safe, A the largest curvature of U; `None` if the sampler rescales the weights, so
            that its step size cannot be derived from the curvature.
        acceptance: The mean acceptance to which a free step size is brought in burn-in; `None` if the sampler accepts
            every draw. One that does not needs all data as its batch.
    """

    curvature_step: ClassVar[float | None]
    acceptance: ClassVar[float | None]

    def start(self, weights: list, key: Key) -> tuple[list, object]:
        """What the sampler itself carries along the chains, before the first step.

        Args:
            weights: w, where the chains start.
            key: State of the random numbers, for `transforms.normals`.

        Returns:
            The arrays, each with a leading axis of chains, and the key to go on with.
        """

    def drawn(self, weights: list, state: list) -> list:
        """The weights of the last draw.

        Args:
            weights: Those that the last step returned.
            state: The sampler's arrays that it returned.
        """
        return weights

    def step(self, here: Position, state: list, normals: Iterable, step_size: Tensor, friction: Tensor) -> Step:
        """One step.

        Args:
            here: The position.
            state: As `start` or the last step returned it. Its memory may be used again.
            normals: Iterator over standard normal numbers of the weights' shapes, and at last one for each chain,
                `(chains,)`; each array is drawn when it is asked for.
            step_size: ε, a scalar.
            friction: Friction times time step, a scalar; only samplers with momenta know it.
        """


def total(values: Tensor) -> Tensor:
    """The sum over all axes but that of the chains."""
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def total_squares(values: Tensor) -> Tensor:
    """The sum of the squares over all axes but that of the chains, without memory for the squares."""
    return ops.square(ops.norm(ops.reshape(values, (values.shape[0], -1)), axis=1))


def products(one: Tensor, other: Tensor) -> Tensor:
    """The sum of the products over all axes but that of the chains, without memory for the products."""
    rows = [ops.reshape(values, (values.shape[0], 1, -1)) for values in (one, other)]
    return ops.matmul(rows[0], ops.swapaxes(rows[1], 1, 2))[:, 0, 0]


def along(per_chain: Tensor, like: Tensor) -> Tensor:
    """One number for each chain, in a shape that broadcasts against `like`."""
    return ops.reshape(per_chain, (-1,) + (1,) * (len(like.shape) - 1))


def kick(momentum: Tensor, time_step: Tensor, force: Tensor) -> tuple[Tensor, Tensor]:
    """p + hF in the memory of the momentum p, and |p + hF|² − |p|², the work of the force, `(chains,)`."""
    before = total_squares(momentum)
    kicked = transforms.add_scaled_in_place(momentum, time_step, force)
    return kicked, total_squares(kicked) - before
