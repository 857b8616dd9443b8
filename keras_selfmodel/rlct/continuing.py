"""Chains that go on at another localization or temperature."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from keras_selfmodel.rlct.batches import random_batches
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.conventions import ResolvedSettings
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.stepwise import Stepwise

# After the draws the chains go on at a localization weaker by this factor, for so many more steps for each draw, of
# which the first part is not counted; not where there are fewer draws than these.
FACTOR, STEPS, SETTLING, LEAST_DRAWS = 4.0, 3 / 8, 1 / 3, 200
# How much stronger the localization is that holds chains near w*.
NEARER = 100.0


class Stretch(NamedTuple):
    """What chains met on a stretch of steps, arrays `(chains, steps)`.

    Attributes:
        excess: nβ·[L_B(w) − L_B(w*)].
        corrected: The same, the heat of each step taken off.
        squares: |w − w*|².
        virial: (w − w*)·∇L_B(w).
    """

    excess: np.ndarray
    corrected: np.ndarray
    squares: np.ndarray
    virial: np.ndarray


def continued(
    chains: Chains, steps: int, per_sample: np.ndarray, settings: ResolvedSettings, first: int, most: int
) -> Stepwise[Stretch]:
    """Asks for further steps, on batches of their own; the localization is that of the chains.

    Args:
        chains: The chains.
        steps: How many.
        per_sample: The loss of each sample at w*, `(samples,)`.
        settings: Those of the chains, whose localization and temperature are their own.
        first: Number of the first of these chains among all of the estimate.
        most: Steps of one call, at most.
    """
    found = []
    number = len(chains.distances())
    for start in range(0, steps, most):
        count = min(most, steps - start)
        rng = np.random.default_rng([settings.seed, chains.done, first, 5])
        indices = random_batches(rng, count * number, len(per_sample), settings.batch_size)
        indices = indices.reshape(count, number, -1)
        at_reference = per_sample[indices].mean(axis=2).T
        trace = yield from chains.advancing(indices, at_reference)
        excess = chains.inverse_temperature * (trace.losses - at_reference)
        found.append(Stretch(excess, excess - 0.5 * trace.heat, trace.squares, trace.virial))
    return Stretch(*(np.concatenate(parts, axis=1) for parts in zip(*found, strict=True)))


def held_near(
    energy: Energy, settings: ResolvedSettings, block: range, gradient: list | None, per_sample: np.ndarray
) -> Stepwise[tuple[np.ndarray, int]]:
    """Chains of their own at 100 γ, which hold to w*.

    λ̂ grows as γ falls, as long as the chains stay around the weights that they start from. If it is larger here, the
    others have left for weights around which the loss is flatter.

    Args:
        energy: The loss.
        settings: Those of the other chains.
        block: Numbers of the chains.
        gradient: ∇L(w*), if the settings ask for the control variate.
        per_sample: The loss of each sample at w*.

    Returns:
        nβ·[L_B(w) − L_B(w*)] without the heat, `(chains, draws)`, and the gradients of a batch that it took.
    """
    steps = int(STEPS * settings.num_draws * settings.thinning)
    settings = replace(settings, localization=NEARER * settings.localization, burn_in=steps)
    chains, most = Chains(energy, settings, block, gradient), energy.steps_per_call(settings)
    yield from continued(chains, steps, per_sample, settings, block.start, most)
    stretch = yield from continued(chains, steps, per_sample, settings, block.start, most)
    return stretch.corrected, chains.gradient_evaluations


def after_the_draws(
    chains: Chains, per_sample: np.ndarray, settings: ResolvedSettings, first: int, most: int
) -> Stepwise[dict[str, np.ndarray]]:
    """Lets the chains go on at γ/4, then at γ/4 and nβ/4; arguments as for `continued`.

    What the first tells, the draws alone do not where there are many weights. The second is the same posterior at four
    times the temperature: where the loss is quadratic it is twice as wide, and its RLCT the same.

    Returns:
        Arrays `(chains, steps)` by the names that `Draws` has for them.
    """
    steps = int(STEPS * settings.num_draws * settings.thinning)
    kept = slice(int(SETTLING * steps), None)
    chains.localization /= FACTOR
    weaker = yield from continued(chains, steps, per_sample, settings, first, most)
    # Twice as wide in as many steps: with twice the time step.
    chains.inverse_temperature /= FACTOR
    chains.step_size *= FACTOR
    hotter = yield from continued(chains, steps, per_sample, settings, first, most)
    virial = 0.5 * chains.inverse_temperature * hotter.virial
    return {
        "second": weaker.corrected[:, kept],
        "heated": hotter.corrected[:, kept],
        "heated_anharmonic": (hotter.excess - virial)[:, kept],
    }
