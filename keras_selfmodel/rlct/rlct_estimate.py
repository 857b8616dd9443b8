"""The result of an RLCT estimation."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_selfmodel._number_texts import plus_minus
from keras_selfmodel._typed_files import plain
from keras_selfmodel.rlct.continuing import FACTOR
from keras_selfmodel.rlct.draws import Draws
from keras_selfmodel.rlct.profile_of_localizations import LocalizationProfile
from keras_selfmodel.rlct.sensitivity import (
    Sensitivity,
    TemperatureTrend,
    by_covariance,
    by_second_localization,
    by_temperature,
)
from keras_selfmodel.rlct.standard_error import error_of_references, sampling_error
from keras_selfmodel.rlct.stored_estimate import read_estimate, write_estimate
from keras_selfmodel.rlct.summary import Descent, RLCTSummary, Verdict, allows_use
from keras_selfmodel.rlct.temperature import HotterEstimate
from keras_selfmodel.rlct.verdict import lowest_stretch, objections, verdict_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# What is not known of the heat, as a part of it, and of the value (benchmarks/rlct_accuracy.py).
HEAT_DOUBT, VALUE_DOUBT = 0.05, 0.02


@dataclass(frozen=True)
class RLCTEstimate(Draws):
    """An estimate of the RLCT (local learning coefficient): value, standard error and verdict; see `Draws`."""

    @property
    def value(self) -> float:
        """λ̂ by the convention: "dataset" compares each draw with the same batch at w* and takes off
        `heat_correction`; "paper" is the plain difference."""
        return float(np.mean(self.chain_values))

    @property
    def std_error(self) -> float:
        """Standard error of `value`; NaN for a single chain.

        In quadrature, with "dataset": `sampling_error`, `localization_error`, `finite_size_error`,
        `temperature_error`, `departure_error`, 5 % of `heat_correction`, and 2 % of the value for what steps and
        burn-in leave (measured on deep linear networks).
        With "paper", whose value is that at its γ and nβ: `sampling_error` and `reference_error`. Places where no chain
        has been are not accounted for.
        """
        if self.settings.convention == "paper":
            return math.hypot(self.sampling_error, self.reference_error)
        doubts = HEAT_DOUBT * self.heat_correction, VALUE_DOUBT * self.value
        limits = self.localization_error, self.finite_size_error, self.temperature_error, self.departure_error
        return math.hypot(self.sampling_error, *limits, *doubts)

    @cached_property
    def sampling_error(self) -> float:
        """Standard error of finite sampling: over the chains ("paper"), over stretches of all chains ("dataset")."""
        if len(self.losses) < 2:
            return math.nan
        if self.settings.convention == "paper":
            return float(np.std(self.chain_values, ddof=1) / math.sqrt(len(self.chain_values)))
        return sampling_error(self.corrected, self.kept(self.squares))

    @property
    def paired_std_error(self) -> float:
        """Standard error of `paired_value`, to which the noise of L₀ does not contribute; NaN for a single chain."""
        if len(self.losses) < 2 or self.settings.convention == "paper":
            return self.sampling_error
        return sampling_error(self.draws, self.kept(self.squares))

    @property
    def localization_error(self) -> float:
        """How far a tenfold γ may change the value, as one standard error; 0 where γ is part of the convention."""
        if self.settings.convention == "paper" or self.sensitivity is None:
            return 0.0
        return self.sensitivity.tenfold

    @property
    def finite_size_error(self) -> float:
        """How far the value may be from its limit of many samples where the loss rises more than quadratically from
        w*, so that the multiplicity may be above 1, as one standard error of bars that reach it: 1/ln nβ, but no more
        than (degeneracy − 1)·λ̂."""
        if self.settings.convention == "paper" or not math.isfinite(self.degeneracy):
            return 0.0
        more = (self.degeneracy - 1) * self.paired_value
        return min(max(more, 0.0), 1 / max(math.log(self.inverse_temperature), 1.0)) / 1.96

    @property
    def temperature_error(self) -> float:
        """How far the value may be from its limit of many samples by the `trend`, as one standard error."""
        return 0.0 if self.trend is None else self.trend.reach

    @cached_property
    def trend(self) -> TemperatureTrend | None:
        """What a higher temperature changes; `None` where no chains went on at one.

        The change of the value, or of what is not quadratic in it: the smaller one. Directions too slow to follow the
        temperature show only in the first, valleys too curved only in the second, and what falls as n grows in both.
        """
        if self.heated is None or self.heated_anharmonic is None:
            return None
        ways = [by_temperature(self.corrected, self.heated)]
        if np.isfinite(self.heated_anharmonic).all() and np.isfinite(self.anharmonic).all():
            ways.append(by_temperature(self.anharmonic, self.heated_anharmonic))
        return min(ways, key=lambda way: way.reach)

    @property
    def departure_error(self) -> float:
        """How far the value is below `least_value`, as one standard error of bars that reach it; else 0."""
        least = self.least_value
        if self.settings.convention == "paper" or least is None:
            return 0.0
        return max(least - self.value, 0.0) / 1.96

    @property
    def least_value(self) -> float | None:
        """The larger of `quadratic_value` and λ̂ at 100 γ: what the RLCT at w* is at least, but for the sampling of the
        latter. `None` where there are too many weights to know it."""
        known = [] if self.near is None or not np.isfinite(self.near).all() else [float(self.near.mean())]
        known += [] if self.quadratic_value is None else [self.quadratic_value]
        return max(known) if known else None

    @cached_property
    def sensitivity(self) -> Sensitivity | None:
        """−dλ̂/d ln γ, by what tells it best; `None` without localization, or where nothing tells it."""
        ways = []
        if self.localization > 0 and self.draws.shape[1] > 1:
            squares = self.kept(self.squares)
            if np.isfinite(squares).all():
                ways.append(by_covariance(self.draws, squares, self.localization))
            if self.second is not None:
                ways.append(by_second_localization(self.corrected, self.second, FACTOR))
        return min(ways, key=lambda way: way.error) if ways else None

    @property
    def reference_error(self) -> float:
        """Standard error of L₀ in units of the RLCT: 0 with "dataset", whose draws are compared with their own batches.

        With "paper" L₀ is the mean of a few batches, and the draws that of many: in another order of the data the
        value would be another.
        """
        if self.settings.convention != "paper":
            return 0.0
        batches = -(-self.num_samples // self.settings.batch_size)
        number = np.arange(self.losses.shape[1]) % batches
        first = np.arange(self.settings.num_chains) % batches
        return self.inverse_temperature * error_of_references(
            self.reference_losses[0, :batches], self.kept(number[None])[0], first
        )

    @property
    def chain_values(self) -> np.ndarray:
        """λ̂ of each chain, `(chains,)`."""
        if self.settings.convention == "paper":
            return self._chain_means(self.initial_loss)
        return np.mean(self.corrected, axis=1)

    @cached_property
    def fall(self) -> float:
        """By how much the loss can fall from w* nearby, in units of the RLCT, as far as gradient and chains tell."""
        return max(self.gradient_term, -lowest_stretch(self))

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Objections to the estimate, in sentences; empty if there are none."""
        return tuple(sentence for _, sentence in self._objections)

    @property
    def verdict(self) -> Verdict:
        """ "reliable" without `warnings`, "not to be used" if the estimate cannot be an RLCT, else "doubtful"."""
        return verdict_of(self._objections)

    @property
    def is_usable(self) -> bool:
        """Whether the verdict allows any use."""
        return allows_use(self.verdict)

    def summary(self) -> RLCTSummary:
        """The estimate without its chains, as in run folders, tables and reports. Needs ArviZ."""
        return RLCTSummary.of(self)

    def to_dict(self) -> dict[str, Any]:
        """The summary as a dictionary that JSON can hold: "value", "std_error", "verdict", "warnings" and so on.

        What is not a number is `None`. Needs ArviZ.
        """
        return plain(self.summary())

    def save(self, path: str | Path) -> None:
        """Writes the estimate with its chains to a file, an `.npz`; `load` reads it."""
        write_estimate(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "RLCTEstimate":
        """The estimate in a file that `save` wrote, or in `rlct_traces.npz` of a run folder.

        Raises:
            FileNotFoundError: If there is no file.
            ValueError: If it holds no estimate.
        """
        records = {"descent": Descent, "hotter": HotterEstimate, "profile": LocalizationProfile}
        return read_estimate(cls, Path(path), records)

    def to_inference_data(self) -> Any:
        """The chains for ArviZ, an `arviz.InferenceData` or `xarray.DataTree`; see `rlct.inference_data`. Needs ArviZ.

        Example: `arviz.plot_rank(estimate.to_inference_data())`, `estimate.to_inference_data().to_netcdf("chains.nc")`.
        """
        from keras_selfmodel.rlct.inference_data import as_inference_data

        return as_inference_data(self)

    def plot(self) -> "Figure":
        """Draws the traces of the chains with the burn-in shaded, their ranks and autocorrelation. Needs matplotlib.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from keras_selfmodel.rlct.figures import trace_figure

        return trace_figure(self)

    def __repr__(self) -> str:
        return (
            f"RLCTEstimate({self.value:.4g}{plus_minus(self.std_error, '{:.2g}'.format)}, "
            f"convention={self.settings.convention!r}, nβ={self.inverse_temperature:.4g}, {self.verdict})"
        )

    def _repr_html_(self) -> str:
        from keras_selfmodel.rlct.notebook_view import as_html

        return as_html(self)

    @cached_property
    def _objections(self) -> list[tuple[bool, str]]:
        return [*objections(self), *((False, sentence) for sentence in self.doubts)]
