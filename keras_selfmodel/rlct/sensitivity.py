"""How an estimate changes with the localization and the temperature, derived from its own chains."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from keras_selfmodel.rlct.standard_error import sampling_error


@dataclass(frozen=True)
class Sensitivity:
    """−dλ̂/d ln γ: what the estimate gains for each e-fold by which the localization becomes weaker.

    Attributes:
        slope: The derivative.
        error: Its standard error.
        method: "covariance" of loss and distance over the draws, or "second localization": the same chains continued
            at a weaker one.
    """

    slope: float
    error: float
    method: Literal["covariance", "second localization"]

    @property
    def tenfold(self) -> float:
        """By how much the estimate may change with a tenfold γ, as far as the chains can tell: one standard error of
        95 % bars that reach as far."""
        return math.log(10) / 1.96 * math.hypot(self.slope, self.error)


def by_covariance(excess: np.ndarray, squares: np.ndarray, localization: float) -> Sensitivity:
    """−dλ̂/d ln γ = ½γ Cov(nβL, |w − w*|²), exact at equilibrium; its noise grows with the number of weights.

    Args:
        excess: nβ·[L_B(w) − L_B(w*)] of the draws, `(chains, draws)`.
        squares: |w − w*|² of the same draws.
        localization: γ.
    """
    products = 0.5 * localization * (excess - excess.mean()) * (squares - squares.mean())
    return Sensitivity(float(products.mean()), sampling_error(products), "covariance")


def by_second_localization(draws: np.ndarray, weaker: np.ndarray, factor: float) -> Sensitivity:
    """The difference of the means over the e-folds between the two localizations.

    Args:
        draws: nβ·[L_B(w) − L_B(w*)], heat taken off, `(chains, draws)`.
        weaker: The same at a localization weaker by the factor.
        factor: Of the localizations, > 1.
    """
    difference = float(weaker.mean() - draws.mean())
    error = math.hypot(sampling_error(draws), sampling_error(weaker))
    return Sensitivity(difference / math.log(factor), error / math.log(factor), "second localization")


@dataclass(frozen=True)
class TemperatureTrend:
    """By how much the estimate is larger at nβ/4 and γ/4, where there is but a quarter of the data's weight.

    0 where the loss is quadratic. Where the value approaches the RLCT like 1/√n, what is missing is as large again;
    where like 1/n, a third of it.

    Attributes:
        difference: The difference.
        error: Its standard error.
    """

    difference: float
    error: float

    @property
    def reach(self) -> float:
        """As one standard error of 95 % bars that reach as far as the difference."""
        return math.hypot(self.difference, self.error) / 1.96


def by_temperature(draws: np.ndarray, heated: np.ndarray) -> TemperatureTrend:
    """The difference of the means.

    Args:
        draws: nβ·[L_B(w) − L_B(w*)], heat taken off, `(chains, draws)`, or a part of it.
        heated: The same at the higher temperature.
    """
    return TemperatureTrend(
        float(heated.mean() - draws.mean()), math.hypot(sampling_error(draws), sampling_error(heated))
    )
