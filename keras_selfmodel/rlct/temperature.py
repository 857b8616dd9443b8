"""Temperatures at which weights that are no minimum of the loss can still be measured."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.stepwise import Stepwise

if TYPE_CHECKING:
    from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate

# From one temperature to the next that is tried, and how many.
FACTOR, TEMPERATURES = 4.0, 8
# Steps of burn-in and draws of a pilot.
BURN_IN, DRAWS = 500, 300
# What the loss can still fall near w* may be this part of the estimate.
SMALL = 0.1


@dataclass(frozen=True)
class HotterEstimate:
    """The result of short chains at a higher temperature, at which w* passes for a minimum.

    Attributes:
        inverse_temperature: The largest nβ of those tried at which the loss can fall little beside the estimate.
        value: λ̂ there.
        std_error: Its standard error.
        gradient_evaluations: Gradients of a batch that the search took.
    """

    inverse_temperature: float
    value: float
    std_error: float
    gradient_evaluations: int


def hotter_estimate(
    estimating: Callable[[SamplingSettings], Stepwise["RLCTEstimate"]], settings: SamplingSettings, coldest: float
) -> Stepwise[HotterEstimate | None]:
    """Looks for the largest nβ at which what the loss can fall near w* is small beside the estimate.

    Args:
        estimating: Asks for the steps of an estimate by given settings.
        settings: What all of them share.
        coldest: nβ of the first.

    Returns:
        The estimate there; `None` if there is none such down to the last temperature tried.
    """
    evaluations = 0
    for number in range(TEMPERATURES):
        nbeta = coldest / FACTOR**number
        pilot = yield from estimating(
            dataclasses.replace(
                settings, inverse_temperature=nbeta, burn_in=BURN_IN, num_draws=DRAWS, thinning=1, target_error=None
            )
        )
        evaluations += pilot.gradient_evaluations
        if pilot.value > 0 and pilot.fall < SMALL * pilot.value:
            return HotterEstimate(nbeta, pilot.value, pilot.std_error, evaluations)
    return None
