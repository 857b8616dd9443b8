"""The result of estimates at several localizations."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_selfmodel._number_texts import short_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A plateau reaches over so many localizations, between which the estimate changes by no more than this part, with
# 95 % errors that are no larger.
LEAST, FLAT = 3, 0.05


@dataclass(frozen=True)
class LocalizationProfile:
    """λ̂ at several localizations, strongest first; arrays `(localizations,)`.

    Attributes:
        localizations: γ.
        values: λ̂.
        sampling_errors: Their standard errors.
        distances: Root mean square of |w − w*| over the draws.
        held: ½γ⟨|w − w*|²⟩, half-directions that γ holds.
        unfilled: Half-directions in which the chains have not come to rest.
        unit: γ₀ = d/R², the localization of a prior as wide as the weights.
        inverse_temperature: nβ.
        num_parameters: d.
        gradient_evaluations: Gradients of a batch that it took, all chains together.
    """

    localizations: np.ndarray
    values: np.ndarray
    sampling_errors: np.ndarray
    distances: np.ndarray
    held: np.ndarray
    unfilled: np.ndarray
    unit: float
    inverse_temperature: float
    num_parameters: int
    gradient_evaluations: int

    @property
    def plateau(self) -> range | None:
        """Indices of the localizations between which λ̂ does not change; `None` if there are none, or it is uncertain.

        The longest row of at least three whose values lie within 5 % of each other, each known to 5 % (95 %).
        """
        for length in range(len(self.values), LEAST - 1, -1):
            for first in range(len(self.values) - length, -1, -1):
                rows = slice(first, first + length)
                mean = self.values[rows].mean()
                known = 1.96 * self.sampling_errors[rows].max() <= FLAT * mean
                if known and np.ptp(self.values[rows]) <= FLAT * mean:
                    return range(first, first + length)
        return None

    @property
    def words(self) -> str:
        """The result in a sentence."""
        if self.plateau is not None:
            ends = self.localizations[self.plateau.start], self.localizations[self.plateau.stop - 1]
            weakest, strongest = (short_number(end, 3) for end in ends)
            value = self.values[self.plateau.start : self.plateau.stop].mean()
            return f"A plateau at {short_number(value, 3)} from γ = {weakest} to {strongest}."
        bars = 1.96 * self.sampling_errors
        rows = [slice(first, first + LEAST) for first in range(len(self.values) - LEAST + 1)]
        if any(np.ptp(self.values[row]) <= FLAT * self.values[row].mean() + bars[row].max() for row in rows):
            error = np.median(bars / np.maximum(np.abs(self.values), 1e-300))
            return f"The values are known to {error:.0%} (95 %), not well enough to see a plateau of {FLAT:.0%}."
        return "No plateau: the estimate is that of the weights within reach of γ. Compare estimates at one γ only."

    def plot(self) -> "Figure":
        """Draws λ̂ against γ and against the distance reached. Needs matplotlib.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from keras_selfmodel.rlct.figures import profile_figure

        return profile_figure(self)
