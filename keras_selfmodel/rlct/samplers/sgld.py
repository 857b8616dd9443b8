"""Stochastic gradient Langevin dynamics."""

from collections.abc import Iterable
from typing import ClassVar

from keras_selfmodel import transforms
from keras_selfmodel.rlct.samplers.sampler import Position, Sampler, Step, products
from keras_selfmodel.transforms import operations as ops
from keras_selfmodel.transforms.tensors import Key, Tensor


class SGLD(Sampler):
    """w ← w − ε/2·[nβ ∇L_B(w) + γ (w − w*)] + √ε·z.

    Of a direction of curvature A = nβh + γ the stationary variance is 1/A·(1 + ε/4·⟨F²⟩) with F the force, noise of the
    batch included, where U is quadratic, for any ε. Of ε/4·⟨F²⟩, which is added to A⟨w²⟩, the loss has the part
    nβh/A: that is ε/4·⟨F·(−nβ∇L_B)⟩, but for the noise, which counts whole.

    Reference:
        Welling & Teh 2011; with localization: Lau et al., arXiv 2308.12108, algorithm 1.
    """

    curvature_step: ClassVar[float] = 0.3
    acceptance: ClassVar[None] = None

    def start(self, weights: list, key: Key) -> tuple[list, Key]:
        return [], key

    def step(self, here: Position, state: list, normals: Iterable[Tensor], step_size: Tensor, friction: Tensor) -> Step:
        moved, heat = [], 0.0
        for i, (weight, normal) in enumerate(zip(here.weights, normals, strict=False)):
            pull = here.force(i)
            weight = transforms.add_scaled_in_place(weight, 0.5 * step_size, pull)
            moved.append(transforms.add_scaled_in_place(weight, ops.sqrt(step_size), normal))
            heat = heat - products(pull, here.gradients[i])
        heat = 0.25 * step_size * here.inverse_temperature * heat
        return Step(moved, state, here.losses, heat, ops.ones_like(here.losses))
