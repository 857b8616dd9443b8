"""Objections to an estimate, and whether it can be used."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_selfmodel._number_texts import short_number, short_with_error
from keras_selfmodel.rlct.standard_error import relative_sampling_error
from keras_selfmodel.rlct.summary import Verdict

if TYPE_CHECKING:
    from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate

# The customary limit; above it, the standard error over the chains means little.
R_HAT_LIMIT = 1.05
# Relative sampling error below which it does not matter that chains differ.
NEGLIGIBLE = 0.01
# Heat beyond this part of the value is warned of.
HEAT_LIMIT = 0.5
# Steps over which a loss below that of w* is looked for.
STRETCH = 25
# The gradient at w* is objected to if the loss falls along it by more than this part of the value.
GRADIENT_LIMIT = 0.05
# What a tenfold localization or a fourth of the data may change, or the curvature at w* says is missing, is warned of
# beyond this part of the value, as one standard error.
LOCALITY_LIMIT = 0.1
# Where the loss is quadratic and holds this part of all directions, those that are not filled are no flat ones, which
# would be more than γ holds. Warned of are so many.
MOSTLY_HELD, UNFILLED_LIMIT = 0.5, 0.15
# Allowance for the logarithm of n beyond this part of the value is warned of.
FEW_DATA_LIMIT = 0.08
# A degeneracy below this is no measuring error.
SHARP = 0.9
# Mean acceptance of a sampler that rejects, below which the chains hardly move.
LEAST_ACCEPTANCE = 0.2


def verdict_of(found: Sequence[tuple[bool, str]]) -> Verdict:
    """ "reliable" without objections, "not to be used" if the estimate cannot be an RLCT, else "doubtful"."""
    if not found:
        return "reliable"
    return "not to be used" if any(fatal for fatal, _ in found) else "doubtful"


def objections(estimate: "RLCTEstimate") -> Iterator[tuple[bool, str]]:
    """Yields objections to an estimate: whether each forbids any use, and a sentence."""
    finite = np.isfinite(estimate.losses).all(axis=1)
    if not finite.all():
        first = [int(np.argmin(np.isfinite(trace))) for trace in estimate.losses[~finite]]
        chains = ", ".join(f"{_numbered(c)} from step {s}" for c, s in zip(np.flatnonzero(~finite), first, strict=True))
        yield (
            True,
            f"The loss is not finite in {chains}: the estimate is NaN. {_steadier(estimate)}",
        )
        return
    if not math.isfinite(estimate.value):
        yield True, f"The estimate is {estimate.value}, though the loss is finite. {_steadier(estimate)}"
        return
    values = estimate.chain_values
    diverged = _diverged(estimate)
    for chain in diverged:
        yield (
            True,
            f"{_numbered(chain).capitalize()} diverged: its loss keeps rising, beyond any RLCT. {_steadier(estimate)}",
        )
    # Of a large RLCT the draws vary so little that chains whose means agree to a fraction of a per cent have R̂ > 1.05.
    disagree = estimate.r_hat > R_HAT_LIMIT and not estimate.sampling_error < NEGLIGIBLE * abs(estimate.value)
    if not len(diverged) and disagree:
        yield (
            False,
            f"The chains do not agree (R̂ = {estimate.r_hat:.3f}, above {R_HAT_LIMIT}): they have not settled, or have "
            "too few draws. Sample longer, with more burn-in.",
        )
    overcorrected = estimate.settings.convention == "dataset" and estimate.value < 0 < estimate.paired_value
    if overcorrected:
        yield (
            True,
            f"The estimate is negative ({_text(estimate.value)}), which an RLCT cannot be: the correction for the "
            f"noise of the batches and the length of the steps, {_text(estimate.heat_correction)}, exceeds the "
            f"{_text(estimate.paired_value)} measured. {_cooler(estimate)}",
        )
    elif estimate.value < 0:
        yield (
            True,
            f"The estimate is negative ({_text(estimate.value)}), which an RLCT cannot be: the chains found a lower "
            f"loss than that of w*, so w* is not a minimum of the loss measured. {_remedy(estimate)}.",
        )
    elif (values < 0).any():
        yield (
            False,
            f"The mean loss lies below that of w* in {', '.join(map(_numbered, np.flatnonzero(values < 0)))} of "
            f"{len(values)}: w* may not be a "
            "minimum of the loss measured.",
        )
    elif not len(diverged) and estimate.value - 3 * np.nan_to_num(estimate.std_error) > estimate.num_parameters / 2:
        yield (
            True,
            f"The estimate is above half the number of weights, {short_number(estimate.num_parameters / 2, 9)}, which "
            f"the RLCT of a smooth loss cannot exceed. {_what_is_too_high(estimate)}",
        )
    drop = lowest_stretch(estimate)
    if estimate.value >= 0 and drop < 0:
        yield (
            False,
            f"Along the way the chains found a mean loss below that of w*, by {_text(-drop)} in units of the RLCT: w* "
            f"is not a minimum of the loss measured, and the estimate is too low by at least that. "
            f"{_remedy(estimate)}.",
        )
    elif estimate.value >= 0 and _falls_along_its_gradient(estimate):
        yield (
            False,
            f"The loss falls along its gradient at w* by {_text(estimate.gradient_term)} in units of the RLCT: w* is "
            f"not a minimum of the loss measured, and the estimate is too low by at least that. {_remedy(estimate)}.",
        )
    noise = max(2 * np.nan_to_num(estimate.sampling_error), NEGLIGIBLE * abs(estimate.value))
    if -estimate.heat_correction > noise:
        yield (
            -estimate.heat_correction > HEAT_LIMIT * abs(estimate.value),
            f"The energy of the chains was still rising during the draws, by {_text(-estimate.heat_correction)} in "
            "units of the RLCT: they had not settled. Sample with more burn-in.",
        )
    much = estimate.heat_correction > HEAT_LIMIT * abs(estimate.value)
    if estimate.settings.convention == "dataset" and much and not overcorrected:
        yield (
            False,
            f"The noise of the batches and the length of the steps add {_text(estimate.heat_correction)}, which is "
            f"subtracted, but is large compared with the estimate. {_cooler(estimate)}",
        )
    if estimate.acceptance_rate < LEAST_ACCEPTANCE:
        yield (
            False,
            f"Only {estimate.acceptance_rate:.0%} of the draws were accepted: the chains hardly moved. Take a smaller "
            f"step size than {_text(estimate.step_size)}.",
        )
    target = estimate.settings.target_error
    reached = relative_sampling_error(estimate.corrected, estimate.kept(estimate.squares))
    if target is not None and reached > target:
        yield (
            False,
            f"The sampling error is {reached:.1%} of the estimate after the maximum number of draws, "
            f"{estimate.draws.shape[1]} per chain: above the {target:.1%} asked for. Allow more draws.",
        )
    if estimate.settings.convention == "dataset" and estimate.value > 0:
        yield from _locality(estimate)
    if len(values) == 1:
        yield False, "One chain gives no standard error and cannot show whether it converged."


def _locality(estimate: "RLCTEstimate") -> Iterator[tuple[bool, str]]:
    """Objections to taking a value at this γ, after these steps and with this n for the RLCT."""
    sensitivity = estimate.sensitivity
    if sensitivity is not None and estimate.localization_error > LOCALITY_LIMIT * estimate.value:
        yield (
            False,
            f"The estimate depends on the localization: each e-fold by which γ = {_text(estimate.localization)} "
            f"becomes weaker adds {short_with_error(sensitivity.slope, sensitivity.error)}. It describes the weights "
            f"within reach of γ, {_text(estimate.distance)} from w*; compare estimates at the same γ only, or look at "
            "the profile.",
        )
    trend = estimate.trend
    if trend is not None and estimate.temperature_error > LOCALITY_LIMIT * estimate.value:
        yield (
            False,
            f"The estimate depends on the temperature: a quarter of nβ = {_text(estimate.inverse_temperature)} adds "
            f"{short_with_error(trend.difference, trend.error)}. {estimate.num_samples} samples are too few for the "
            "RLCT itself, the limit of many samples; compare estimates at the same nβ only.",
        )
    least = estimate.least_value
    if least is not None and estimate.departure_error > LOCALITY_LIMIT * estimate.value:
        yield (
            False,
            f"Near w* the loss holds at least {_text(least)} half-directions, so the RLCT at w* is at least that: the "
            "chains have left w* for weights around which the loss is flatter, or have not settled. Take a stronger "
            f"localization than {_text(estimate.localization)}, or sample longer.",
        )
    if at_no_minimum(estimate):
        return  # Forces and distances from w* mean something else there.
    limit = max(UNFILLED_LIMIT * estimate.value, 2 * estimate.sampling_error, estimate.held_by_localization)
    quadratic = SHARP < estimate.degeneracy < 2 - SHARP
    if quadratic and estimate.value > MOSTLY_HELD * estimate.num_parameters / 2 and estimate.unfilled > limit:
        yield (
            False,
            "The chains are too short for the directions in which the loss rises least: "
            f"{short_number(estimate.unfilled, 2)} half-directions have not been explored yet, and may be missing from "
            "the estimate. Sample longer, with more burn-in.",
        )
    missing = 1.96 * estimate.finite_size_error
    if missing > FEW_DATA_LIMIT * estimate.value:
        yield (
            False,
            f"The loss is not quadratic near w* (degeneracy {estimate.degeneracy:.2g}), so the estimate approaches the "
            f"RLCT only like 1/ln(nβ), here {short_number(missing, 2)}: {estimate.num_samples} samples are too few to "
            "determine the RLCT itself. The estimate holds for this number of samples.",
        )


def at_no_minimum(estimate: "RLCTEstimate") -> bool:
    """Whether the loss can fall from w* by more than is negligible."""
    return estimate.value < 0 or lowest_stretch(estimate) < 0 or _falls_along_its_gradient(estimate)


def _falls_along_its_gradient(estimate: "RLCTEstimate") -> bool:
    # Not beside the whole standard error: what no minimum does to the trend with the temperature widens that.
    return estimate.gradient_term > max(GRADIENT_LIMIT * estimate.value, 2 * np.nan_to_num(estimate.sampling_error))


def _remedy(estimate: "RLCTEstimate") -> str:
    """What to do where w* is no minimum."""
    longer = "Train longer on that loss"
    remedy = longer if estimate.descent else f"{longer}, or measure after descent (anchor='descend')"
    if estimate.descent and not estimate.descent.steps:
        remedy = (
            f"The descent found no lower loss in {max(estimate.settings.burn_in, 1)} steps, so that w* are the trained "
            f"weights: give it more steps (burn_in=…). {longer}"
        )
    hotter = estimate.hotter
    if hotter is None:
        return remedy
    return (
        f"{remedy}. At nβ = {_text(hotter.inverse_temperature)}, where that matters little, short chains give "
        f"{short_with_error(hotter.value, hotter.std_error, 3)} (inverse_temperature='auto')"
    )


def _steadier(estimate: "RLCTEstimate") -> str:
    """How to keep chains from diverging."""
    if estimate.settings.step_size is None:
        return (
            f"Shorter steps, down to {_text(estimate.step_size)}, did not help. Take a stronger localization than "
            f"{_text(estimate.localization)}."
        )
    return f"Take a smaller step size than {_text(estimate.step_size)}, or a stronger localization."


def _cooler(estimate: "RLCTEstimate") -> str:
    """How to reduce the error that comes from noisy batches and long steps."""
    shorter = f"a smaller step size than {_text(estimate.step_size)}."
    whole = estimate.settings.batch_size >= estimate.num_samples
    return f"Take {shorter}" if whole else f"Take larger batches, or {shorter}"


def _text(value: float) -> str:
    return short_number(value, 3)


def _numbered(chain: int | np.integer) -> str:
    """A chain in words, the first one being number 1."""
    return f"chain {chain + 1}"


def _what_is_too_high(estimate: "RLCTEstimate") -> str:
    """Why an estimate may exceed any RLCT, as far as the chains show."""
    if estimate.heat_correction > 0.1 * estimate.value:
        return f"The noise of the batches and the length of the steps add too much. {_cooler(estimate)}"
    if estimate.degeneracy < SHARP:
        return (
            f"The loss rises less than quadratically from w* (degeneracy {estimate.degeneracy:.2g}), as at a kink: "
            "there the theory does not hold."
        )
    return "The chains may not have settled: compare with more burn-in, and with a stronger localization."


def lowest_stretch(estimate: "RLCTEstimate") -> float:
    """The least mean of nβ[L_B(w) − L_B(w*)] over stretches of all chains, if it is below 0 beyond doubt; else 0."""
    excess = estimate.excess
    steps = excess.shape[1] // STRETCH * STRETCH
    if not steps:
        return 0.0
    stretches = excess[:, :steps].reshape(len(excess), -1, STRETCH)
    means = stretches.mean(axis=(0, 2))
    lowest = int(np.argmin(means))
    error = stretches[:, lowest].std() / math.sqrt(stretches[:, lowest].size)
    # Four standard errors, and more than a hundredth of what is measured.
    return float(means[lowest]) if means[lowest] < -max(4 * error, NEGLIGIBLE * abs(estimate.value)) else 0.0


def _diverged(estimate: "RLCTEstimate") -> np.ndarray:
    """Chains whose last quarter lies above any RLCT, which is at most d/2, and twice above their second quarter."""
    excess = estimate.excess
    if excess.shape[1] < 8:
        return np.empty(0, int)
    _, second, _, last = (quarter.mean(axis=1) for quarter in np.array_split(excess, 4, axis=1))
    return np.flatnonzero((last > estimate.num_parameters) & (last > 2 * second))
