"""The chains: all of them moved together, with a step size that fits the curvature they meet."""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.curvature import Curvature
from keras_selfmodel.rlct.energy import take
from keras_selfmodel.rlct.samplers import SAMPLERS

# Friction times time step: little during burn-in, where momenta carry the chains far along flat directions, more in
# its last tenth and for the draws. It is raised, up to a limit, where the noise of the batches would otherwise heat the
# chains by more than these parts of the estimate: much heat is corrected less well.
BURN_IN_FRICTION, FRICTION, FRICTION_LIMIT = 0.015, 0.08, 2.0
BURN_IN_HEAT, HEAT = 1.0, 0.1
COOLING = 0.9  # the part of burn-in after which the draws' friction holds
# Power iterations for the curvature at w*, and every so many steps of burn-in where the chains are.
FIRST_ITERATIONS, ITERATIONS, STEPS_BETWEEN = 20, 4, 200
# A chain whose nβ(L − L*) exceeds this many times the number of weights has left any posterior: half a weight each is
# what a regular model has.
FLOWN_OFF = 5.0
# So often the same steps are tried again, each time with a quarter of the step size and twice the friction.
ATTEMPTS = 12


class Chains:
    """Chains that start at w* and sample p(w) ∝ exp(−nβ L(w) − γ/2 |w − w*|²).

    Args:
        batch_loss: As `energy` returns it.
        anchor: w*, the trainable weights.
        fixed: The other variables.
        data: x and y on the device.
        num_samples: n.
        settings: Convention, sampler, lengths.
        separately: As for `transforms.map_chains`.

    Attributes:
        step_size: ε of the last steps.
        gradient_evaluations: Gradients of a batch computed so far, all chains together.
    """

    def __init__(
        self,
        batch_loss: Callable,
        anchor: list,
        fixed: list,
        data: tuple,
        num_samples: int,
        settings: SamplingSettings,
        *,
        separately: bool,
    ) -> None:
        self.num_parameters = sum(math.prod(w.shape) for w in anchor)
        self.inverse_temperature = settings.inverse_temperature(num_samples)
        self.localization = settings.localization_for(num_samples)
        self.gradient_evaluations = 0
        self._settings = settings
        self._anchor = anchor
        self._data = data
        self._sampler = SAMPLERS[settings.sampler]()
        self._done = 0
        self._friction = BURN_IN_FRICTION
        self._heat_ratio = 0.0
        self._cold = False
        weights = [ops.repeat(w[None], settings.num_chains, axis=0) for w in anchor]
        other = [ops.repeat(v[None], settings.num_chains, axis=0) for v in fixed]
        key = transforms.random_key(int(np.random.default_rng([settings.seed]).integers(2**31)))
        own, key = self._sampler.start(weights, key)
        self._state = (weights, own, other, key)
        self._program = self._compiled(batch_loss, separately)
        self._curvature = None
        if settings.step_size is None:
            self._curvature = Curvature(
                batch_loss, data, num_samples, settings.batch_size, settings.seed, separately=separately
            )
            self._largest = 0.0
            self._follow_curvature(FIRST_ITERATIONS)
        else:
            self.step_size = settings.step_size

    def advance(self, indices: np.ndarray, at_reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Moves all chains.

        Args:
            indices: Sample numbers, `(steps, chains, batch)`.
            at_reference: Loss of each batch at w*, `(chains, steps)` or `(steps,)`.

        Returns:
            L_B(w) before each step and the heat of the step, each `(chains, steps)`. If a chain flies off in burn-in
            while the step size is free, the steps are taken back and done again, shorter and with more friction.
        """
        adapting = self._curvature is not None and self._done < self._settings.burn_in
        if self._done and self._done % STEPS_BETWEEN < len(indices):
            if adapting:
                self._follow_curvature(ITERATIONS)
            if self._done < COOLING * self._settings.burn_in:
                self._friction = self._cooled(self._friction, BURN_IN_FRICTION, BURN_IN_HEAT)
        if not self._cold and self._done >= COOLING * self._settings.burn_in:
            self._friction = self._cooled(self._friction, FRICTION, HEAT)
            self._cold = True
        before = [ops.convert_to_numpy(w) for w in (*self._state[0], *self._state[1])] if adapting else []
        for attempt in range(ATTEMPTS + 1):
            losses, heat = self._run(indices)
            excess = self.inverse_temperature * (losses - at_reference)
            if not adapting or attempt == ATTEMPTS or self._stayed(excess):
                break
            self._take_back(before)
        self._measure_heat(excess, heat)
        self._done += len(indices)
        return losses, heat

    def distance(self) -> float:
        """|w − w*|, its root mean square over the chains."""
        moved = [
            np.linalg.norm(ops.convert_to_numpy(w) - ops.convert_to_numpy(a))
            for w, a in zip(self._state[0], self._anchor, strict=True)
        ]
        return math.hypot(*moved) / math.sqrt(self._settings.num_chains)

    def _stayed(self, excess: np.ndarray) -> bool:
        return np.isfinite(excess).all() and excess.mean(axis=1).max() < FLOWN_OFF * self.num_parameters

    def _measure_heat(self, excess: np.ndarray, heat: np.ndarray) -> None:
        """Follows, through burn-in, the heat as a part of what would be left of the estimate without it."""
        if self._done < COOLING * self._settings.burn_in:
            added = 0.5 * heat.mean()
            if not math.isfinite(added):
                return
            ratio = max(added, 0.0) / max(excess.mean() - added, 0.1 * added, 1e-30)
            self._heat_ratio = ratio if self._done == 0 else 0.75 * self._heat_ratio + 0.25 * ratio

    def _cooled(self, friction: float, least: float, ratio: float) -> float:
        """The friction at which the heat, inversely proportional to it, is `ratio`."""
        return min(max(friction * self._heat_ratio / ratio, least), FRICTION_LIMIT)

    def _run(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._state, trace = self._program(
            self._state,
            ops.convert_to_tensor(indices),
            self._anchor,
            *self._data,
            ops.convert_to_tensor(self.step_size, keras.config.floatx()),
            ops.convert_to_tensor(self._friction, keras.config.floatx()),
        )
        self.gradient_evaluations += indices.shape[0] * indices.shape[1]
        trace = ops.convert_to_numpy(trace).astype(np.float64)
        return trace[:, 0].T, trace[:, 1].T

    def _follow_curvature(self, iterations: int) -> None:
        """Sets the step size by the curvature where the chains are; it grows back only slowly."""
        before = self._curvature.evaluations
        largest = self._curvature(self._state[0], self._state[2], iterations)
        self.gradient_evaluations += self._curvature.evaluations - before
        # A curvature that is not finite tells nothing; if the loss is not either, the estimate is NaN and says so.
        self._largest = max(largest if math.isfinite(largest) else 0.0, 0.9 * self._largest)
        whole = self.inverse_temperature * self._largest + self.localization
        if whole <= 0:
            raise ValueError("The loss does not depend on the weights near w*. Give a step_size or a localization.")
        self.step_size = self._sampler.curvature_step / whole

    def _take_back(self, before: list[np.ndarray]) -> None:
        # The curvature asked of the next steps grows too, so that the step size does not jump back.
        self._largest = 4 * self._largest + 3 * self.localization / self.inverse_temperature
        self.step_size /= 4
        self._friction = min(2 * self._friction, FRICTION_LIMIT)
        weights, arrays, other, key = self._state
        restored = [ops.convert_to_tensor(a) for a in before]
        self._state = (restored[: len(weights)], restored[len(weights) :], other, key)

    def _compiled(self, batch_loss: Callable, separately: bool) -> Callable:
        """Compiles `(state, indices, anchor, x, y, step_size, friction) -> (state, (steps, 2, chains))`."""
        differentiate = transforms.value_and_grad(batch_loss)

        def run(state, indices, anchor, x, y, step_size, friction):
            def gradient(weights, other, index):
                (loss, (other, _)), gradients = differentiate(weights, other, take(x, index), take(y, index))
                return loss, gradients, other

            all_gradients = transforms.map_chains(gradient, separately=separately)

            def step(state, index):
                weights, own, other, key = state
                losses, gradients, other = all_gradients(weights, other, index)
                key, normals = transforms.normals(key, weights)

                def force(i: int):
                    return -self.inverse_temperature * gradients[i] - self.localization * (weights[i] - anchor[i])

                moved, own, heat = self._sampler.step(weights, own, gradients, force, normals, step_size, friction)
                return (moved, own, other, key), ops.stack([losses, heat])

            return transforms.scan(step, state, indices)

        return transforms.jit(run)
