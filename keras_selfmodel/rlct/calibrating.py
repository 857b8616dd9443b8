"""Sampling settings from short pilot samplings, with the evidence for them."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np

from keras_selfmodel._number_texts import number_text, short_number
from keras_selfmodel._numbers import real_number
from keras_selfmodel.rlct._arguments import WeightChoice
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.data import MEMORY_LIMIT, TrainingData
from keras_selfmodel.rlct.problem import Problem
from keras_selfmodel.rlct.progress_bar import Reports, Verbose
from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate
from keras_selfmodel.rlct.sampling_changes import CalibrationChanges, changed_settings
from keras_selfmodel.rlct.standard_error import sampling_error
from keras_selfmodel.rlct.verdict import HEAT_LIMIT
from keras_selfmodel.transforms.tensors import AnyModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# The pilots: steps of burn-in and draws at the automatic step size; more where steps are shorter.
BURN_IN, DRAWS = 800, 400
LOCALIZATIONS = (0.1, 1.0, 10.0)
STEP_SIZES = (0.25, 0.5)
# Two estimates lie on a plateau if they differ by no more than this part, or by twice the error of their difference.
PLATEAU = 0.05
LARGEST_BATCH = 4096
# A trace is at rest where halves of what follows differ by less than this part, or twice the error of the difference.
REST = 0.01
LEAST_DRAWS, MOST_DRAWS = 400, 16_000


@dataclass(frozen=True)
class Calibration:
    """Settings found by `calibrate_rlct`, and the pilots that support them.

    Attributes:
        settings: What to pass to `estimate_rlct`.
        pilot: The pilot at these settings but for the number of steps.
        localizations: A pilot for each localization that was tried, weakest first.
        step_sizes: A pilot for each step size, smallest first, at the localization that was chosen.
        notes: What was decided and why, in sentences.
        on_plateau: Whether the estimate depends neither on the step size nor, from a tenth of the localization to
            it, on the localization, and the pilots know that to 5 %.
    """

    settings: SamplingSettings
    pilot: RLCTEstimate
    localizations: tuple[RLCTEstimate, ...]
    step_sizes: tuple[RLCTEstimate, ...]
    notes: tuple[str, ...]
    on_plateau: bool

    @property
    def gradient_evaluations(self) -> int:
        """Gradients of a batch that the pilots took."""
        pilots = {id(pilot): pilot for pilot in (self.pilot, *self.localizations, *self.step_sizes)}
        return sum(pilot.gradient_evaluations for pilot in pilots.values())

    def plot(self) -> "Figure":
        """Draws the pilots' estimates against localization and step size. Needs matplotlib.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from keras_selfmodel.rlct.figures import calibration_figure

        return calibration_figure(self)


def calibrate_rlct(
    model: AnyModel,
    data: TrainingData,
    *,
    settings: SamplingSettings | None = None,
    target_error: float = 0.01,
    verbose: Verbose = "auto",
    progress: Callable[[int, int], None] | None = None,
    loss: keras.losses.Loss | Callable | str | None = None,
    weights: WeightChoice = None,
    class_weight: Mapping[int, float] | None = None,
    num_samples: int | None = None,
    memory_limit: float = MEMORY_LIMIT,
    **changes: Unpack[CalibrationChanges],
) -> Calibration:
    """Chooses the settings of an RLCT estimate by short pilot samplings.

    In this order, with the convention "dataset":

    1. Batch: doubled, up to 4096, while its noise adds more than half of the estimate.
    2. Localization γ: pilots at a tenth of the given or default γ, at it, and at ten times it. If the two weaker ones
       agree, their estimate does not depend on γ; else the given γ stays, and a note says how much it decides.
    3. Step size ε: the automatic one (from the curvature) and pilots at a quarter and half of it. Where these agree
       with it the automatic one stays; else the largest that agrees with the next smaller one is chosen.
    4. Burn-in: twice the steps after which the pilot's trace has settled; twice the pilot if it never does.
    5. Draws: as many as bring the sampling error to `target_error`.

    Burn-in and draws that are given (`burn_in=…`, `num_draws=…`) stay.

    `estimate_rlct` without settings does the third by itself, and the friction too; this function shows whether the
    result can be relied on, and costs about as much as an estimate.

    Args:
        model: As for `estimate_rlct`.
        data: As for `estimate_rlct`.
        settings: Settings to start from; their step size must be free (`None`) and their convention "dataset".
        target_error: Sampling error to reach, as a fraction of the estimate, in 0 … 1.
        verbose: As for `estimate_rlct`.
        progress: Called with (steps done, steps in all) now and then, in place of the bar.
        loss: As for `estimate_rlct`.
        weights: As for `estimate_rlct`.
        class_weight: As for `estimate_rlct`.
        num_samples: As for `estimate_rlct`.
        memory_limit: As for `estimate_rlct`.
        **changes: Fields of `SamplingSettings` to set.

    Returns:
        A `Calibration`.

    Raises:
        TypeError: If a keyword is unknown.
        ValueError: If the arguments do not fit each other, the model or the data.

    Example:

    >>> x = np.repeat(np.random.default_rng(0).normal(size=(1000, 3)), 2, axis=0)
    >>> y = np.tile([0, 1], 1000)
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    >>> calibration = calibrate_rlct(model, (x, y), seed=1)
    >>> calibration.on_plateau  # the pilots are too short for 5 % on so small a network, and the notes say so
    False
    """
    start = changed_settings(calibrate_rlct, settings, changes)
    if start.convention != "dataset":
        raise ValueError("The settings of convention='paper' are the paper's: there is nothing to calibrate.")
    if start.step_size is not None:
        raise ValueError(f"A step size that is given is not calibrated. Received: step_size={start.step_size}")
    if start.sampler_class.curvature_step is None:
        raise ValueError(f"sampler={start.sampler!r} has no automatic step size to start from. Take another.")
    target_error = real_number("target_error", target_error, "a number between 0 and 1", lambda part: 0 < part < 1)
    reading: dict[str, Any] = {"class_weight": class_weight, "num_samples": num_samples, "memory_limit": memory_limit}
    problem = Problem.of(model, data, loss, weights, None, training=False, **reading)
    start = start.for_samples(problem.energy.num_samples)
    total = (len(LOCALIZATIONS) + sum(f**-0.5 for f in STEP_SIZES)) * (BURN_IN + DRAWS)
    finished = 0.0
    reports = Reports(verbose, progress)
    notes: list[str] = []

    def pilot(longer: float = 1.0, **given) -> RLCTEstimate:
        nonlocal finished
        steps = round(BURN_IN * longer / 50) * 50, round(DRAWS * longer / 50) * 50
        estimate = problem.estimate(
            dataclasses.replace(start, burn_in=steps[0], num_draws=steps[1], target_error=None, **given),
            reports=Reports(
                progress=lambda done, _: reports.steps(min(round(finished + done), int(total)), int(total))
            ),
        )
        finished += longer * (BURN_IN + DRAWS)
        return estimate

    middle = pilot()
    while middle.heat_correction > HEAT_LIMIT * abs(middle.value) and middle.settings.batch_size < min(
        LARGEST_BATCH, middle.num_samples
    ):
        start = dataclasses.replace(
            start, batch_size=min(2 * middle.settings.batch_size, LARGEST_BATCH, middle.num_samples)
        )
        notes.append(
            f"Batch {start.batch_size}: with half as many samples, the noise added "
            f"{short_number(middle.heat_correction, 3)} to an estimate of {short_number(middle.value, 3)}."
        )
        total += BURN_IN + DRAWS
        middle = pilot()

    weaker, stronger = (pilot(localization=factor * middle.localization) for factor in LOCALIZATIONS[::2])
    flat = _agree(weaker, middle)
    change = _change(weaker, middle)
    if flat:
        notes.append(
            f"Localization γ = {short_number(middle.localization, 3)}: a tenth of it changes the estimate by {change}."
        )
    else:
        notes.append(
            f"No plateau over the localization: a tenth of γ = {short_number(middle.localization, 3)} changes the "
            f"estimate by {change}. It depends on how much of the network lies within reach of γ: compare "
            "networks at one γ only."
        )

    shorter = [pilot(f**-0.5, step_size=f * middle.step_size) for f in STEP_SIZES]
    line = [*shorter, middle]
    chosen = next((i for i in range(len(line) - 1, 0, -1) if _agree(line[i - 1], line[i])), 0)
    step_size = None if chosen == len(line) - 1 else line[chosen].step_size
    automatic = short_number(middle.step_size, 3)
    if step_size is None:
        notes.append(
            f"Step size: the automatic one, {automatic}; half of it changes the estimate by "
            f"{_change(line[-2], middle)}."
        )
    elif chosen:
        taken = short_number(step_size, 3)
        notes.append(f"Step size {taken}: the automatic one, {automatic}, gives another estimate.")
    else:
        notes.append(
            f"No plateau over the step size: from {short_number(line[0].step_size, 3)} to {automatic} the estimate "
            f"changes by {_change(line[0], middle)}. The smallest is taken; the chains may not have settled."
        )
    best = line[chosen]

    rest = _at_rest(best)
    if rest is None:
        burn_in = 2 * best.losses.shape[1]
        notes.append(f"Burn-in {burn_in}: twice the pilot's steps, after which the loss had not settled.")
    else:
        burn_in = 2 * rest
        notes.append(f"Burn-in {burn_in}: the loss had settled after {rest} steps.")
    relative = best.sampling_error / max(abs(best.value), 1e-300)
    needed = best.draws.shape[1] * (relative / target_error) ** 2 if math.isfinite(relative) else MOST_DRAWS
    num_draws = int(min(max(math.ceil(needed / 50) * 50, LEAST_DRAWS), MOST_DRAWS))
    notes.append(
        f"Draws {num_draws} per chain: {best.draws.shape[1]} in the pilot gave a sampling error of {relative:.1%}"
        + (f"; more than {MOST_DRAWS} would be needed for {target_error:.1%}." if needed > MOST_DRAWS else ".")
    )
    error = max(_error(weaker, middle), _error(line[0], line[-1]))
    known = error <= PLATEAU
    if flat and chosen and not known:
        notes.append(f"No plateau is claimed: the pilots determine these changes only to ± {error:.0%}.")
    lengths: dict[str, Any] = {"burn_in": burn_in, "num_draws": num_draws}
    asked: dict[str, Any] = {**changes}
    lengths |= {name: asked[name] for name in lengths if asked.get(name) is not None}
    found = dataclasses.replace(start, step_size=step_size, **lengths)
    return Calibration(
        settings=found,
        pilot=best,
        localizations=(weaker, middle, stronger),
        step_sizes=tuple(line),
        notes=tuple(notes),
        on_plateau=flat and chosen > 0 and known,
    )


def _agree(one: RLCTEstimate, other: RLCTEstimate) -> bool:
    error = math.hypot(one.sampling_error, other.sampling_error)
    return abs(one.value - other.value) <= max(2 * error, PLATEAU * abs(other.value))


def _error(one: RLCTEstimate, other: RLCTEstimate) -> float:
    """Two standard errors of the difference, as a part of the estimate."""
    return 2 * math.hypot(one.sampling_error, other.sampling_error) / max(abs(other.value), 1e-300)


def _change(one: RLCTEstimate, other: RLCTEstimate) -> str:
    share = 100 / max(abs(other.value), 1e-300)
    error = share * math.hypot(one.sampling_error, other.sampling_error)
    return f"{number_text(share * (one.value - other.value), 1, sign=True)} % (± {number_text(error, 1)} %)"


def _at_rest(estimate: RLCTEstimate) -> int | None:
    """The first step from which on the two halves of the trace agree, of eight in the pilot; `None` if from none."""
    excess = estimate.inverse_temperature * (estimate.losses - estimate.reference_losses) - 0.5 * estimate.heat
    steps = excess.shape[1]
    for first in range(steps // 8, steps * 3 // 4, steps // 8):
        halves = np.array_split(excess[:, first:], 2, axis=1)
        difference = abs(halves[0].mean() - halves[1].mean())
        error = math.hypot(*(sampling_error(half) for half in halves))
        if difference <= max(2 * error, REST * abs(estimate.value)):
            return first
    return None
