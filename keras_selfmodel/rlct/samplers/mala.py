"""Metropolis-adjusted Langevin."""

from collections.abc import Iterable
from typing import ClassVar

from keras_selfmodel.rlct.samplers.sampler import Position, Sampler, Step, along, total
from keras_selfmodel.transforms import operations as ops
from keras_selfmodel.transforms.tensors import Key, Tensor


class MALA(Sampler):
    """Full-batch Langevin steps, each accepted or rejected so that p(w) is met exactly, whatever the step size.

        w' = w + ε/2·F(w) + √ε·z,   accepted with probability min(1, p(w') q(w|w') / (p(w) q(w'|w)))

    Slow, because every step takes the gradient of all data and steps must shrink as the weights grow in number, but
    without bias: the reference for the other samplers.

    Reference:
        Roberts & Tweedie, "Exponential convergence of Langevin distributions and their discrete approximations", 1996.
    """

    curvature_step: ClassVar[float] = 0.3
    acceptance: ClassVar[float] = 0.574

    def start(self, weights: list, key: Key) -> tuple[list, Key]:
        # Potential, loss, weights and force of the last accepted draw. The potential is infinite, so that the first
        # proposal, w* itself, is accepted.
        start = ops.zeros_like(total(weights[0]))
        return [
            start + float("inf"),
            start + float("nan"),
            *(w + 0.0 for w in weights),
            *(ops.zeros_like(w) for w in weights),
        ], key

    def drawn(self, weights: list, state: list) -> list:
        arrays = state[2:]
        return arrays[: len(arrays) // 2]

    def step(self, here: Position, state: list, normals: Iterable[Tensor], step_size: Tensor, friction: Tensor) -> Step:
        old_potential, old_loss, *arrays = state
        old_weights, old_forces = arrays[: len(arrays) // 2], arrays[len(arrays) // 2 :]
        *normals, chance = normals
        if here.potential is None:
            raise ValueError("MALA accepts draws by the potential. Received: a position without one")
        potential = here.potential()
        forces = [here.force(i) for i in range(len(here.weights))]
        there, back = 0.0, 0.0
        for new, old, force, old_force in zip(here.weights, old_weights, forces, old_forces, strict=True):
            there = there + total(ops.square(new - old - 0.5 * step_size * old_force))
            back = back + total(ops.square(old - new - 0.5 * step_size * force))
        log_ratio = old_potential - potential + (there - back) / (2 * step_size)
        # A proposal without a finite loss is never accepted; without a finite start, nothing ever is.
        log_ratio = ops.where(ops.isnan(log_ratio), -float("inf"), log_ratio)
        acceptance = ops.exp(ops.minimum(log_ratio, 0.0))
        # A normal number as a uniform one.
        accepted = 0.5 * (1 + ops.erf(chance / 2**0.5)) < acceptance

        def kept(new, old):
            return ops.where(along(accepted, new), new, old)

        weights = [kept(new, old) for new, old in zip(here.weights, old_weights, strict=True)]
        forces = [kept(new, old) for new, old in zip(forces, old_forces, strict=True)]
        losses = kept(here.losses, old_loss)
        proposal = [
            w + 0.5 * step_size * force + ops.sqrt(step_size) * normal
            for w, force, normal in zip(weights, forces, normals, strict=True)
        ]
        state = [kept(potential, old_potential), losses, *weights, *forces]
        return Step(proposal, state, losses, ops.zeros_like(losses), acceptance)
