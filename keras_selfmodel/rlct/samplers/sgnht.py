"""Stochastic gradient Nosé–Hoover thermostats."""

import math
from collections.abc import Iterable
from typing import ClassVar

from keras_selfmodel import transforms
from keras_selfmodel.rlct.samplers.sampler import Position, Sampler, Step, along, kick, total, total_squares
from keras_selfmodel.transforms import operations as ops
from keras_selfmodel.transforms.tensors import Key, Tensor

# Steps over which the friction is averaged for the heat.
MEMORY = 1000.0


class SGNHT(Sampler):
    """Underdamped Langevin dynamics whose friction ξ follows the kinetic energy, so that it takes out the heat.

        p ← p + h F;   w ← w + h/2 p;   p ← e^(−ξh) p + √(A/ξ·(1 − e^(−2ξh))) z;   w ← w + h/2 p
        ξ ← ξ + h (|p|²/d − 1),   h = √ε, ξ = A at first

    The kinetic energy has its exact mean whatever the noise of the batches. The weights have theirs only if the noise
    is the same in all directions: what remains follows from the work of the force as for `Underdamped`, with the mean
    friction in place of A, and is returned as heat, exact where U is quadratic and ξ hardly varies (many weights).

    Reference:
        Ding et al., "Bayesian sampling using stochastic gradient thermostats", 2014; this order of the parts:
        Leimkuhler & Shang, "Adaptive thermostats for noisy gradient systems", 2016.
    """

    curvature_step: ClassVar[float] = 0.56
    acceptance: ClassVar[None] = None

    def start(self, weights: list, key: Key) -> tuple[list, Key]:
        key, momenta = transforms.normals(key, weights)
        momenta = list(momenta)
        unset = ops.zeros_like(total(weights[0]))
        return [unset, unset + 0.0, unset + 0.0, *momenta], key

    def step(self, here: Position, state: list, normals: Iterable[Tensor], step_size: Tensor, friction: Tensor) -> Step:
        # ξh beyond A h, its running mean, and the number of steps so far.
        excess, mean_excess, steps, *momenta = state
        h, damping = ops.sqrt(step_size), friction + excess
        retained = ops.exp(-damping)
        # (1 − e^(−2ξh))/(ξh), which is 2 − 2ξh near ξ = 0.
        small = ops.abs(damping) < 1e-4
        lost = ops.where(small, 2 - 2 * damping, (1 - retained**2) / ops.where(small, 1.0, damping))
        noise = ops.sqrt(friction * lost)
        moved, updated, work, kinetic = [], [], 0.0, 0.0
        for i, (weight, momentum, normal) in enumerate(zip(here.weights, momenta, normals, strict=False)):
            kicked, done = kick(momentum, h, here.force(i))
            weight = transforms.add_scaled_in_place(weight, 0.5 * h, kicked)
            refreshed = transforms.add_scaled_in_place(along(retained, kicked) * kicked, along(noise, kicked), normal)
            moved.append(transforms.add_scaled_in_place(weight, 0.5 * h, refreshed))
            updated.append(refreshed)
            work, kinetic = work + done, kinetic + total_squares(refreshed)
        num_weights = sum(math.prod(weight.shape[1:]) for weight in here.weights)
        steps = steps + 1
        mean_excess = mean_excess + (excess - mean_excess) / ops.minimum(steps, MEMORY)
        excess = excess + step_size * (kinetic / num_weights - 1)
        mean = ops.maximum(friction + mean_excess, 0.1 * friction)
        retained = ops.exp(-mean)
        heat = 0.25 * (1 + retained) / (1 - retained) * work + num_weights * (friction / mean - 1)
        return Step(moved, [excess, mean_excess, steps, *updated], here.losses, heat, ops.ones_like(here.losses))
