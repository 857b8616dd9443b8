"""The chains: all of them moved together, with a step size that fits the curvature they meet."""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.compiling import compiled_steps
from keras_selfmodel.rlct.conventions import WIDER, ResolvedSettings
from keras_selfmodel.rlct.curvature import Curvature
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.prior_width import weight_scale
from keras_selfmodel.rlct.stepwise import Request, Stepwise, Trace, alone

# Friction times time step: little during burn-in, where momenta carry the chains far along flat directions, more in
# its last tenth and for the draws. It is raised, up to a limit, where the noise of the batches would otherwise heat the
# chains by more than these parts of the estimate: much heat is corrected less well.
BURN_IN_FRICTION, FRICTION, FRICTION_LIMIT = 0.015, 0.08, 2.0
BURN_IN_HEAT, HEAT = 0.2, 0.1
# How much larger the step size is in burn-in than for the draws, but for its first steps, in which the chains leave w*:
# weights that are not stiff get farther. Four times were too many: a network in ten blew up.
BURN_IN_STEP = 2.0
COOLING = 0.9  # the part of burn-in after which the draws' friction holds
# Power iterations for the curvature at w*, and every so many steps of burn-in where the chains are.
FIRST_ITERATIONS, ITERATIONS, STEPS_BETWEEN = 20, 4, 200
# How much the logarithm of the step size changes for each unit of acceptance too much or too little.
ADAPTATION = 1.0
# A chain whose nβ(L − L*) exceeds this many times the number of weights has left any posterior: half a weight each is
# what a regular model has.
FLOWN_OFF = 5.0
# So many last steps must be below that too: a chain that flies off at the end leaves the mean of all steps low.
LAST_STEPS = 5
# So often the same steps are tried again, each time with a quarter of the step size and twice the friction.
ATTEMPTS = 12
# A step size below this part of that at w* is not tried: what flies off then is not for the step size to hold.
LEAST_STEP = 1e-7


class Chains:
    """Chains that start at w* and sample p(w) ∝ exp(−nβ L(w) − γ/2 |w − w*|²).

    Args:
        energy: The loss, and w*.
        settings: Convention, sampler, lengths, all resolved (`SamplingSettings.resolved`).
        numbers: Numbers of these chains among all of the estimate.
        full_gradient: ∇L(w*) of all data, if the settings ask for the control variate.

    Attributes:
        localization: γ; may be changed between steps.
        inverse_temperature: nβ.
        step_size: ε of the last steps.
        gradient_evaluations: Gradients of a batch computed so far, all chains together.
        done: Steps done.
        friction: Friction times time step, of the last steps.
    """

    # What besides arrays describes chains on their way; see `snapshot`.
    NUMBERS = (
        *("step_size", "localization", "gradient_evaluations", "done"),
        *("friction", "_heat_ratio", "_cold", "_largest"),
    )

    def __init__(
        self, energy: Energy, settings: ResolvedSettings, numbers: range, full_gradient: list | None = None
    ) -> None:
        self.inverse_temperature = settings.inverse_temperature
        self.localization = settings.localization
        self.gradient_evaluations = 0
        self.done = 0
        self._settings = settings
        self._energy = energy
        self._full_gradient = full_gradient or []
        self._sampler = settings.sampler_class()
        self.friction = BURN_IN_FRICTION
        self._heat_ratio = 0.0
        self._cold = False
        self._largest = 0.0
        self._number, self._first = len(numbers), numbers.start
        self._state = self._start(
            transforms.random_key(int(np.random.default_rng([settings.seed, numbers.start]).integers(2**31)))
        )
        self._program = self._compiled()
        self._curvature: Curvature | None = None
        if settings.step_size is None:
            self._curvature = Curvature(energy, settings.batch_size, settings.seed)
            self._follow_curvature(self._curvature, FIRST_ITERATIONS)
        else:
            self.step_size = settings.step_size
        self._least_step = LEAST_STEP * self.step_size

    def _start(self, key) -> tuple:
        """The state before the first step: lists of arrays, the first one that of the weights; and the key."""
        weights, other = (
            [ops.stack([array] * self._number) for array in arrays]
            for arrays in (self._energy.anchor, self._energy.other)
        )
        carried, key = self._sampler.start(weights, key)
        return weights, carried, other, key

    def advance(self, indices: np.ndarray, at_reference: np.ndarray) -> Trace:
        """Moves all chains; see `advancing`."""
        return alone(self.advancing(indices, at_reference))

    def advancing(self, indices: np.ndarray, at_reference: np.ndarray) -> Stepwise[Trace]:
        """Asks for the steps that move all chains.

        Args:
            indices: Sample numbers, `(steps, chains, batch)`.
            at_reference: Loss of each batch at w*, `(chains, steps)` or `(steps,)`.

        Returns:
            What was met on the way. If a chain flies off while the step size is free, the steps are taken
            back and done again, shorter and with more friction.
        """
        adapting = self._curvature is not None and self.done < self._settings.burn_in
        cools = not self._cold and self.done >= COOLING * self._settings.burn_in
        looks = self.done and (self.done < STEPS_BETWEEN or self.done % STEPS_BETWEEN < len(indices))
        if cools:
            self.friction = self._cooled(self.friction, FRICTION, HEAT)
            self._cold = True
        elif looks and not self._cold:
            self.friction = self._cooled(self.friction, BURN_IN_FRICTION, BURN_IN_HEAT)
        if self._curvature is not None and (cools or looks) and adapting and self._sampler.acceptance is None:
            self._follow_curvature(self._curvature, ITERATIONS)
        if self._curvature is not None and not adapting:
            self._curvature.directions = None  # As large as the weights, and asked for no more.
        # Copies, not views: the steps may use the memory again.
        free = self._curvature is not None
        before = [np.array(ops.convert_to_numpy(w)) for w in (*self._state[0], *self._state[1])] if free else []
        for attempt in range(ATTEMPTS + 1):
            trace = yield Request(self, indices)
            excess = self.inverse_temperature * (trace.losses - at_reference)
            last = attempt == ATTEMPTS or self.step_size < self._least_step
            if not free or last or self._stayed(excess):
                break
            self._take_back(before)
        self._measure_heat(excess, trace.heat)
        if adapting and self._sampler.acceptance is not None:
            self.step_size *= math.exp(ADAPTATION * (float(trace.acceptance.mean()) - self._sampler.acceptance))
        self.done += len(indices)
        return trace

    def losses_on(self, energy: Energy, indices: np.ndarray) -> np.ndarray:
        """The mean loss of each chain, where it is, on batches of other data: `(chains,)`.

        Args:
            energy: The same loss on those data.
            indices: Sample numbers, `(chains, batch)`.
        """
        batch_loss, separately = self._energy.batch_loss, self._energy.separately

        mapped = transforms.map_chains(
            lambda weights, other, index, context: batch_loss(weights, other, context, index)[0], separately=separately
        )

        def evaluate(indices, weights, other, context):
            return indices, mapped(weights, other, indices, shared=(context,))

        program = self._energy.program(("losses of chains",), lambda: evaluate)
        with transforms.seeded(self._settings.seed, self._first, self.done, 1):  # Other numbers than those of steps.
            _, losses = program(energy.rows(indices), self._draw(), self._state[2], energy.context)
        return ops.convert_to_numpy(losses).astype(np.float64)

    def distances(self) -> np.ndarray:
        """|w − w*| of each chain, `(chains,)`."""
        squares = [
            np.sum((ops.convert_to_numpy(w) - ops.convert_to_numpy(a)) ** 2, axis=tuple(range(1, len(w.shape))))
            for w, a in zip(self._draw(), self._energy.anchor, strict=True)
        ]
        return np.sqrt(sum(squares))

    def _draw(self) -> list:
        """The weights of the last draw: where the chains are, unless draws can be rejected."""
        return self._sampler.drawn(self._state[0], self._state[1])

    def snapshot(self) -> tuple[dict, list[np.ndarray]]:
        """All that is needed to go on later: numbers, and arrays."""
        *lists, key = self._state
        directions: list = [] if self._curvature is None else self._curvature.directions or []
        groups = [*lists, directions]
        numbers = {name: getattr(self, name) for name in self.NUMBERS}
        numbers["groups"] = [len(group) for group in groups]
        numbers["curvature_evaluations"] = 0 if self._curvature is None else self._curvature.evaluations
        arrays = [ops.convert_to_numpy(a) for group in groups for a in group]
        return numbers, [*arrays, transforms.key_to_numpy(key)]

    def restore(self, numbers: dict, arrays: list[np.ndarray]) -> None:
        """Goes back to where `snapshot` was taken."""
        for name in self.NUMBERS:
            setattr(self, name, numbers[name])
        left, groups = iter(arrays), []
        for size in numbers["groups"]:
            groups.append([ops.convert_to_tensor(next(left)) for _ in range(size)])
        *lists, directions = groups
        self._state = (*lists, transforms.key_from_numpy(next(left)))
        if self._curvature is not None:
            self._curvature.directions = directions or None
            self._curvature.evaluations = numbers["curvature_evaluations"]

    def _stayed(self, excess: np.ndarray) -> bool:
        highest = max(part.mean(axis=1).max() for part in (excess, excess[:, -LAST_STEPS:]))
        return np.isfinite(excess).all() and highest < FLOWN_OFF * self._energy.num_parameters

    def _measure_heat(self, excess: np.ndarray, heat: np.ndarray) -> None:
        """Follows, through burn-in, the heat as a part of what would be left of the estimate without it."""
        if self.done < COOLING * self._settings.burn_in:
            added = 0.5 * heat.mean()
            if not math.isfinite(added):
                return
            ratio = max(added, 0.0) / max(excess.mean() - added, 0.1 * added, 1e-30)
            self._heat_ratio = ratio if self.done == 0 else 0.75 * self._heat_ratio + 0.25 * ratio

    def _cooled(self, friction: float, least: float, ratio: float) -> float:
        """The friction at which the heat, inversely proportional to it, is `ratio`."""
        return min(max(friction * self._heat_ratio / ratio, least), FRICTION_LIMIT)

    def run(self, indices: np.ndarray) -> Trace:
        """Takes the steps that `advancing` asks for."""
        # Resumed chains draw as if they had not been interrupted.
        with transforms.seeded(self._settings.seed, self._first, self.done, 2):
            state, trace = self._program(self._state, *self._data(indices), *self._numbers())
        return self._met(indices, state, ops.convert_to_numpy(trace))

    @staticmethod
    def run_together(requests: Sequence[Request]) -> list[Trace]:
        """As `run` of the chains of each request, by one program; see `chains_together.together`."""
        several = [request.chains for request in requests]
        first = several[0]
        *lists, keys = zip(*(chains._state for chains in several), strict=True)
        joined = [[ops.concatenate(same) for same in zip(*arrays, strict=True)] for arrays in lists]
        data = [chains._data(request.indices) for chains, request in zip(several, requests, strict=True)]
        rows = ops.concatenate([rows for rows, *_ in data], axis=1)
        # Each chain has its own w*.
        anchors = zip(*(anchor for _, anchor, *_ in data), strict=True)
        anchor = [ops.repeat(ops.stack(same), first._number, axis=0) for same in anchors]
        program = first._compiled(several=True)
        state = (*joined, transforms.keys_joined(list(keys)))
        with transforms.seeded(*(chains._settings.seed for chains in several), first.done, 2):
            state, trace = program(state, rows, anchor, *data[0][2:], *first._numbers())
        *joined, key = state
        parts = [[ops.split(array, len(several)) for array in arrays] for arrays in joined]
        keys, traces = transforms.keys_parted(key), np.split(ops.convert_to_numpy(trace), len(several), axis=2)
        return [
            chains._met(
                requests[i].indices, (*([array[i] for array in arrays] for arrays in parts), keys[i]), traces[i]
            )
            for i, chains in enumerate(several)
        ]

    def _met(self, indices: np.ndarray, state: tuple, trace: np.ndarray) -> Trace:
        self._state = state
        # With the control variate, each batch's gradient is computed at w* too.
        self.gradient_evaluations += (2 if self._full_gradient else 1) * indices.shape[0] * indices.shape[1]
        return Trace.of(trace)

    def _data(self, indices: np.ndarray) -> tuple:
        """What the compiled steps are computed from."""
        return self._energy.rows(indices), self._energy.anchor, self._full_gradient, self._energy.context

    def _numbers(self) -> list:
        numbers = (self.inverse_temperature, self.localization, self.step_size, self.friction)
        return [ops.convert_to_tensor(number, keras.config.floatx()) for number in numbers]

    def _follow_curvature(self, curvature: Curvature, iterations: int) -> None:
        """Sets the step size by the curvature where the chains are; it grows back only slowly."""
        before = curvature.evaluations
        largest = curvature(self._state[0], self._state[2], iterations)
        self.gradient_evaluations += curvature.evaluations - before
        # A curvature that is not finite tells nothing; if the loss is not either, the estimate is NaN and says so.
        self._largest = max(largest if math.isfinite(largest) else 0.0, 0.9 * self._largest)
        whole = self.inverse_temperature * self._largest + self.localization
        # Where neither holds a chain, as at a w* of no curvature, no step is longer than the weights are wide.
        least = self._energy.num_parameters / weight_scale(self._energy.anchor) / WIDER
        if whole <= 0 and not curvature.near(self._state[0], self._state[2], least**-0.5) > 0:
            raise ValueError("The loss does not depend on the weights near w*. Set step_size=… or localization=….")
        longer = 1.0 if self._cold or self.done < STEPS_BETWEEN else BURN_IN_STEP
        self.step_size = longer * self._settings.safe_step / max(whole, least)

    def _take_back(self, before: list[np.ndarray]) -> None:
        # The curvature asked of the next steps grows too, so that the step size does not jump back.
        self.step_size /= 4
        shorter = self._settings.safe_step / self.step_size - self.localization
        taken = 4 * self._largest + 3 * self.localization / self.inverse_temperature
        self._largest = max(taken, shorter / self.inverse_temperature)
        self.friction = min(2 * self.friction, FRICTION_LIMIT)
        weights, arrays, other, key = self._state
        restored = [ops.convert_to_tensor(a.copy()) for a in before]
        self._state = (restored[: len(weights)], restored[len(weights) :], other, key)

    def _compiled(self, *, several: bool = False) -> Callable:
        """The steps, compiled; see `compiled_steps`."""
        return compiled_steps(
            self._energy, self._sampler, self._settings.sampler, corrected=bool(self._full_gradient), several=several
        )
