"""Descent from the trained weights to a nearby minimum of the loss that is measured."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.batches import STEPS_PER_CALL, paper_batches, random_batches
from keras_selfmodel.rlct.chains import FIRST_ITERATIONS, ITERATIONS
from keras_selfmodel.rlct.conventions import ResolvedSettings
from keras_selfmodel.rlct.curvature import Curvature
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.summary import Descent

MOMENTUM = 0.9
# Length of the first steps in units of the inverse curvature. A step with momentum 0.9 is stable up to 3.8.
CURVATURE_STEP = 0.5
# Half-life of the largest curvature met, as a fraction of the steps. By the curvature of the moment, which rises and
# falls within a call where inputs are badly scaled, weights are thrown out of the valley again and again.
HALF_LIFE = 1 / 6


def descend(energy: Energy, settings: ResolvedSettings, steps: int) -> tuple[Energy, Descent, int]:
    """Looks for the minimum of nβ L(w) + γ/2 |w − w*|² by gradient descent with momentum and falling steps.

    That is the mode of the distribution that the chains sample: the localization says how far "nearby" reaches, as it
    does for them. Without it, the descent of a network that can fit its data perfectly would have no end.

    Args:
        energy: The loss, and the trained weights as w*.
        settings: nβ, γ, batch size and seed.
        steps: Steps to take.

    Returns:
        The energy with the minimum as w*, the way there, and the number of gradients of a batch computed.
    """
    nbeta, localization = settings.inverse_temperature, settings.localization
    everything = paper_batches(energy.num_samples, settings.batch_size)
    trained_loss = energy.mean_loss(everything)
    curvature = Curvature(energy, settings.batch_size, settings.seed)
    program = _compiled(energy)
    weights = [w + 0.0 for w in energy.anchor]
    momenta = [ops.zeros_like(w) for w in weights]
    other = [v + 0 for v in energy.other]
    rng = np.random.default_rng([settings.seed, 3])
    shortened, done, largest = 1.0, 0, 0.0
    while done < steps:
        count = min(STEPS_PER_CALL, steps - done)
        one_chain = [w[None] for w in weights], [v[None] for v in other]
        here = curvature(*one_chain, ITERATIONS if done else FIRST_ITERATIONS)
        largest = max(here if np.isfinite(here) else 0.0, 0.5 ** (count / (HALF_LIFE * steps)) * largest)
        falling = 1 - (done + 0.5 * np.arange(count)) / steps
        whole = largest + localization / nbeta
        rates = shortened * CURVATURE_STEP * falling / max(whole, 1e-30)
        indices = random_batches(rng, count, energy.num_samples, settings.batch_size)
        before = [ops.convert_to_numpy(a) for a in (*weights, *momenta)]
        (weights, momenta, other), losses = program(
            (weights, momenta, other),
            (energy.rows(indices), ops.convert_to_tensor(rates.astype(keras.config.floatx()))),
            energy.anchor,
            energy.context,
            ops.convert_to_tensor(localization / nbeta, keras.config.floatx()),
        )
        losses = ops.convert_to_numpy(losses)
        done += count
        rise = losses[-10:].mean() - losses[:10].mean()
        if not np.isfinite(losses).all() or rise > 5 * losses[:25].std() + 0.1 * abs(trained_loss):
            # Out of the valley: once more from before, with shorter steps and without momentum.
            shortened /= 4
            weights = [ops.convert_to_tensor(w) for w in before[: len(weights)]]
            momenta = [ops.zeros_like(w) for w in weights]
    moved = energy.at(weights)
    loss = moved.mean_loss(everything)
    squares = sum(
        np.sum((ops.convert_to_numpy(w) - ops.convert_to_numpy(a)) ** 2)
        for w, a in zip(weights, energy.anchor, strict=True)
    )
    evaluations = done + curvature.evaluations
    if not nbeta * loss + 0.5 * localization * squares < nbeta * trained_loss:
        return energy, Descent(trained_loss, trained_loss, 0.0, 0), evaluations
    return moved, Descent(trained_loss, loss, float(np.sqrt(squares)), done), evaluations


def _compiled(energy: Energy) -> Callable:
    """Compiles `((weights, momenta, other), (indices, rates), …) -> ((weights, momenta, other), losses)`."""
    differentiate = transforms.value_and_grad(energy.batch_loss)

    def run(state, steps, anchor, context, pull):
        def step(state, now):
            weights, momenta, other = state
            index, rate = now
            (loss, (other, _)), gradients = differentiate(weights, other, context, index)
            momenta = [
                MOMENTUM * m - rate * (g + pull * (w - a))
                for m, g, w, a in zip(momenta, gradients, weights, anchor, strict=True)
            ]
            return ([w + m for w, m in zip(weights, momenta, strict=True)], momenta, other), loss

        return transforms.scan(step, state, steps)

    return energy.program(("descent",), lambda: run)
