"""SGLD with a step of its own for each weight."""

from typing import ClassVar

from keras import ops

from keras_selfmodel.rlct.samplers.sampler import total

DECAY, DAMPING = 0.99, 0.1


class RMSpropSGLD:
    """SGLD with ε/(√v̂ + 0.1) in place of ε, v̂ the running mean of the squared gradient of each weight.

        v ← 0.99 v + 0.01 g²,   v̂ = v/(1 − 0.99ᵗ),   v = 1 at first

    Rescaling layers against each other changes its chains less than those of SGLD. The rescaling changes from step to
    step, so it samples p(w) only approximately.

    Reference:
        Li et al., "Preconditioned Stochastic Gradient Langevin Dynamics", 2016, in the form of Hitchcock & Hoogland,
        arXiv 2507.21449.
    """

    curvature_step: ClassVar[None] = None

    def start(self, weights, key):
        steps = ops.zeros_like(total(weights[0]))
        return [steps, *(ops.ones_like(weight) for weight in weights)], key

    def step(self, weights, state, gradients, force, normals, step_size, friction):
        steps, *squares = state
        steps = steps + 1
        moved, updated, heat = [], [], 0.0
        for i, (weight, gradient, square, normal) in enumerate(zip(weights, gradients, squares, normals, strict=True)):
            square = DECAY * square + (1 - DECAY) * gradient * gradient
            unbiased = square / _along(1 - DECAY**steps, square)
            own_step = step_size / (ops.sqrt(unbiased) + DAMPING)
            pull = force(i)
            moved.append(weight + 0.5 * own_step * pull + ops.sqrt(own_step) * normal)
            updated.append(square)
            heat = heat + total(own_step * pull * pull)
        return moved, [steps, *updated], 0.25 * heat


def _along(per_chain, like):
    """One number for each chain, in a shape that broadcasts against `like`."""
    return ops.reshape(per_chain, (-1,) + (1,) * (len(like.shape) - 1))
