"""Underdamped Langevin dynamics."""

from collections.abc import Iterable
from typing import ClassVar

from keras_selfmodel import transforms
from keras_selfmodel.rlct.samplers.sampler import Position, Sampler, Step, kick
from keras_selfmodel.transforms import operations as ops
from keras_selfmodel.transforms.tensors import Key, Tensor


class Underdamped(Sampler):
    """Weights with momenta and friction, integrated by BAOAB with time step h = √ε.

        p ← p + h F;   w ← w + h/2 p;   p ← r p + √(1 − r²) z;   w ← w + h/2 p,   r = exp(−friction)

    It crosses flat directions in fewer steps than SGLD by the square root of the ratio of curvatures. Where U is
    quadratic and F exact, the weights have the exact distribution for any stable h (h²A < 4). As friction grows it
    becomes the method of Leimkuhler and Matthews.

    The noise of the batches heats the chains. Stationary, the friction takes out what the force puts in, so the mean
    work of the force on the momenta, W = |p + hF|² − |p|², measures the heat: it adds ((1 + r)/2)²·W/(1 − r²) to the
    sum over all directions of A⟨w²⟩, half of which is nβ(L − L*).

    Reference:
        Leimkuhler & Matthews, "Rational construction of stochastic numerical methods for molecular sampling", 2013.
    """

    curvature_step: ClassVar[float] = 0.56
    acceptance: ClassVar[None] = None

    def start(self, weights: list, key: Key) -> tuple[list, Key]:
        key, momenta = transforms.normals(key, weights)
        return list(momenta), key

    def step(self, here: Position, state: list, normals: Iterable[Tensor], step_size: Tensor, friction: Tensor) -> Step:
        h, retained = ops.sqrt(step_size), ops.exp(-friction)
        moved, momenta, work = [], [], 0.0
        for i, (weight, momentum, normal) in enumerate(zip(here.weights, state, normals, strict=False)):
            kicked, done = kick(momentum, h, here.force(i))
            weight = transforms.add_scaled_in_place(weight, 0.5 * h, kicked)
            refreshed = transforms.add_scaled_in_place(retained * kicked, ops.sqrt(1 - retained**2), normal)
            moved.append(transforms.add_scaled_in_place(weight, 0.5 * h, refreshed))
            momenta.append(refreshed)
            work = work + done
        heat = 0.25 * (1 + retained) / (1 - retained) * work
        return Step(moved, momenta, here.losses, heat, ops.ones_like(here.losses))
