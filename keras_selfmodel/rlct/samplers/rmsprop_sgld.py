"""SGLD with a separate step size for each weight."""

from collections.abc import Iterable
from typing import ClassVar

from keras_selfmodel import transforms
from keras_selfmodel.rlct.samplers.sampler import Position, Sampler, Step, along, products, total
from keras_selfmodel.transforms import operations as ops
from keras_selfmodel.transforms.tensors import Key, Tensor

DECAY, DAMPING = 0.99, 0.1


class RMSpropSGLD(Sampler):
    """SGLD with ε/(√v̂ + 0.1) in place of ε, v̂ the running mean of the squared gradient of each weight.

        v ← 0.99 v + 0.01 g²,   v̂ = v/(1 − 0.99ᵗ),   v = 1 at first

    Rescaling layers against each other changes its chains less than those of SGLD. The rescaling changes from step to
    step, so it samples p(w) only approximately.

    Reference:
        Li et al., "Preconditioned Stochastic Gradient Langevin Dynamics", 2016, in the form of Hitchcock & Hoogland,
        arXiv 2507.21449.
    """

    curvature_step: ClassVar[None] = None
    acceptance: ClassVar[None] = None

    def start(self, weights: list, key: Key) -> tuple[list, Key]:
        steps = ops.zeros_like(total(weights[0]))
        return [steps, *(ops.ones_like(weight) for weight in weights)], key

    def step(self, here: Position, state: list, normals: Iterable[Tensor], step_size: Tensor, friction: Tensor) -> Step:
        steps, *squares = state
        steps = steps + 1
        moved, updated, heat = [], [], 0.0
        arrays = zip(here.weights, here.gradients, squares, normals, strict=False)
        for i, (weight, gradient, square, normal) in enumerate(arrays):
            square = DECAY * square + (1 - DECAY) * gradient * gradient
            unbiased = square / along(1 - DECAY**steps, square)
            step = step_size / (ops.sqrt(unbiased) + DAMPING)
            pull = here.force(i)
            weight = transforms.add_scaled_in_place(weight, 0.5 * step, pull)
            moved.append(transforms.add_scaled_in_place(weight, ops.sqrt(step), normal))
            updated.append(square)
            heat = heat - products(step * pull, gradient)
        heat = 0.25 * here.inverse_temperature * heat
        return Step(moved, [steps, *updated], here.losses, heat, ops.ones_like(here.losses))
