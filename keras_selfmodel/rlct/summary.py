"""The record of an RLCT estimate that is stored and reported: numbers, words and settings, without the chains."""

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from keras_selfmodel._number_texts import short_number
from keras_selfmodel._said_arguments import with_arguments
from keras_selfmodel.rlct.conventions import Convention
from keras_selfmodel.rlct.convergence import least_split_r_hat
from keras_selfmodel.rlct.samplers import SAMPLERS

if TYPE_CHECKING:
    from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate


Verdict = Literal["reliable", "doubtful", "not to be used"]
Anchor = Literal["trained", "descend"]

# Ranges of numbers, besides those of errors.
POSITIVE = frozenset(
    {
        *("inverse_temperature", "step_size", "num_chains", "num_draws", "batch_size", "thinning"),
        *("num_samples", "num_parameters"),
    }
)
NOT_NEGATIVE = frozenset(
    {
        *("localization", "held_by_localization", "distance", "anchor_norm", "acceptance_rate", "r_hat", "ess"),
        *("burn_in", "seed", "gradient_evaluations"),
    }
)


# By so much a number that was computed twice, in single precision, may differ.
ROUNDING = 1e-4


def allows_use(verdict: Verdict) -> bool:
    """Whether an estimate of this verdict may be used at all."""
    return verdict != "not to be used"


@dataclass(frozen=True)
class Descent:
    """The descent from the trained weights to those at which the RLCT is measured.

    Attributes:
        trained_loss: Mean loss over all data at the trained weights.
        loss: The same at its end.
        distance: |w − trained weights| at its end.
        steps: Steps done; 0 if no lower loss was found.
    """

    trained_loss: float | None
    loss: float | None
    distance: float | None
    steps: int

    def __post_init__(self) -> None:
        for name in ("distance", "steps"):
            if (value := getattr(self, name)) is not None and value < 0:
                raise ValueError(f"{name} must not be negative. Received: {value}")
        if self.loss is not None and self.trained_loss is not None and self.loss > self.trained_loss:
            raise ValueError(f"loss must be at most trained_loss, {self.trained_loss}. Received: {self.loss}")

    @property
    def words(self) -> str:
        """What came of it, such as "loss 0.31 to 0.24"."""
        if not self.steps:
            return "no lower loss"
        before, after = (short_number(one, 4, none="?") for one in (self.trained_loss, self.loss))
        return f"loss {before} to {after}"


@dataclass(frozen=True, kw_only=True)
class RLCTSummary:
    """An `RLCTEstimate` in plain values, for files, tables and figures; `None` where there is no number, as in JSON.

    Each field is what the estimate, or else its settings, calls by that name: to carry one more, name it here.

    Attributes:
        value: λ̂; `None` where the sampling was lost.
        std_error: Its standard error; `None` for a single chain.
        sampling_error: The part of it that more draws would lessen.
        localization_error: The part of it that a tenfold localization may change, as far as the chains can tell.
        finite_size_error: The part of it for n being finite where the loss is not quadratic.
        temperature_error: The part of it for n being finite by what a higher temperature changes.
        departure_error: The part of it by which the value is below what the loss holds near w*.
        reference_error: The part of it from the few batches of L₀, with the paper's convention.
        paired_value: λ̂ with each draw compared with its own batch at w*, nothing taken off.
        paired_std_error: Its standard error.
        plain_value: λ̂ with the draws compared with L₀.
        chain_values: λ̂ of each chain.
        held_by_localization: Half-directions that γ holds in place of the loss.
        unfilled: Half-directions in which the chains have not come to rest.
        degeneracy: 1 where the loss is quadratic near w*, k where it grows like the 2k-th power.
        verdict: Whether it can be used.
        warnings: Objections to it, in sentences without the names of Python's arguments.
        anchor: What w* is: the trained weights, or the minimum of the loss that descent found near them.
        descent: The way there; `None` at the trained weights.
        convention: What nβ means, and how the chains see the data.
        inverse_temperature: nβ.
        localization: γ.
        distance: Root mean square of |w − w*| at the end of the chains.
        anchor_norm: |w*|.
        initial_loss: Loss at w*.
        gradient_term: What the gradient at w* takes off the estimate, at least.
        heat_correction: What the noise of the batches and the length of the steps added, and was taken off.
        acceptance_rate: Mean probability with which draws were accepted.
        r_hat: Split R̂ of the chains.
        ess: Effective number of independent draws, all chains together.
        sampler: Name of the sampler.
        step_size: ε of the draws.
        num_chains: Number of chains.
        num_draws: Draws of each chain.
        burn_in: Steps before them.
        batch_size: Samples of a batch.
        thinning: Steps from one draw to the next.
        control_variate: Whether the gradient at w* was taken off that of each batch.
        seed: Seed of batches and noise.
        gradient_evaluations: Gradients of a batch that it took.
        num_samples: n, samples of the data.
        num_parameters: Weights that were sampled.
    """

    value: float | None
    std_error: float | None
    sampling_error: float | None
    localization_error: float | None = None
    finite_size_error: float | None = None
    temperature_error: float | None = None
    departure_error: float | None = None
    reference_error: float | None = None
    paired_value: float | None = None
    paired_std_error: float | None = None
    plain_value: float | None = None
    chain_values: tuple[float | None, ...]
    held_by_localization: float | None = None
    unfilled: float | None = None
    degeneracy: float | None = None
    verdict: Verdict
    warnings: tuple[str, ...]
    anchor: Anchor
    descent: Descent | None = None
    convention: Convention
    inverse_temperature: float
    localization: float
    distance: float | None
    anchor_norm: float | None
    initial_loss: float | None
    gradient_term: float | None
    heat_correction: float | None
    acceptance_rate: float | None
    r_hat: float | None
    ess: float | None
    sampler: str
    step_size: float | None
    num_chains: int
    num_draws: int
    burn_in: int
    batch_size: int
    thinning: int = 1
    control_variate: bool = False
    seed: int = 0
    gradient_evaluations: int | None = None
    num_samples: int
    num_parameters: int

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}. Received: {self.sampler!r}")
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if value is not None and name in POSITIVE and value <= 0:
                raise ValueError(f"{name} must be positive. Received: {value}")
            if value is not None and (name in NOT_NEGATIVE or name.endswith("_error")) and value < 0:
                raise ValueError(f"{name} must not be negative. Received: {value}")
        self._check_agreement()

    def _check_agreement(self) -> None:
        """Makes sure that the fields do not contradict each other."""
        if len(self.chain_values) != self.num_chains:
            raise ValueError(
                f"chain_values must hold {self.num_chains} values, one per chain. Received: {len(self.chain_values)}"
            )
        least = least_split_r_hat(self.num_draws)
        if self.r_hat is not None and self.r_hat < least - ROUNDING:
            raise ValueError(f"r_hat must be at least {least:.3f} with {self.num_draws} draws. Received: {self.r_hat}")
        if (self.verdict == "reliable") == bool(self.warnings):
            which = "empty" if self.warnings else "given"
            raise ValueError(
                f"warnings must be {which} where verdict is {self.verdict!r}. Received: {list(self.warnings)}"
            )
        if self.is_usable and (self.value is None or self.value < 0):
            raise ValueError(
                f"verdict must be 'not to be used' where value is negative or none. Received: {self.verdict!r} with "
                f"{'none' if self.value is None else self.value}"
            )
        if (self.anchor == "descend") == (self.descent is None):
            raise ValueError(
                f"descent must be {'missing' if self.descent else 'given'} where anchor is {self.anchor!r}. Received: "
                f"{'none' if self.descent is None else self.descent.words}"
            )
        self._check_sizes()
        self._check_mean()
        # With the paper's convention the loss at w* is that of a few batches.
        end = self.descent.loss if self.descent is not None and self.convention == "dataset" else None
        if end is not None and self.initial_loss is not None:
            if not math.isclose(end, self.initial_loss, rel_tol=ROUNDING, abs_tol=ROUNDING):
                raise ValueError(f"initial_loss must be descent.loss, {end}. Received: {self.initial_loss}")

    def _check_sizes(self) -> None:
        """Makes sure that no number exceeds what it is a part of."""
        if self.batch_size > self.num_samples:
            raise ValueError(f"batch_size must be at most num_samples, {self.num_samples}. Received: {self.batch_size}")
        if self.acceptance_rate is not None and self.acceptance_rate > 1 + ROUNDING:
            raise ValueError(f"acceptance_rate must lie between 0 and 1. Received: {self.acceptance_rate}")
        # ArviZ takes no autocorrelation for less than 1/log10 of the number of draws.
        draws = self.num_chains * self.num_draws
        most = draws * max(1.0, math.log10(draws))
        if self.ess is not None and self.ess > most * (1 + ROUNDING):
            raise ValueError(f"ess must be at most {most:.0f} with {draws} draws. Received: {self.ess}")

    def _check_mean(self) -> None:
        """Makes sure that the value is the mean of the chains', which is no number where one of them is none."""
        known = [value for value in self.chain_values if value is not None]
        lost = len(known) < self.num_chains
        mean = math.nan if lost else sum(known) / len(known)
        if self.value is None:
            if not lost and math.isfinite(mean):
                raise ValueError(f"value must be the mean of chain_values, {mean:.6g}. Received: null")
        elif lost:
            raise ValueError(f"value must be null where one of chain_values is. Received: {self.value}")
        elif not math.isclose(self.value, mean, rel_tol=ROUNDING, abs_tol=ROUNDING * max(map(abs, known))):
            raise ValueError(f"value must be the mean of chain_values, {mean:.6g}. Received: {self.value}")

    @classmethod
    def of(cls, estimate: "RLCTEstimate") -> "RLCTSummary":
        """The summary of an `RLCTEstimate`. Needs ArviZ, for `ess`."""
        values = {}
        for field in fields(cls):
            there = estimate if hasattr(estimate, field.name) else estimate.settings
            values[field.name] = _plain(getattr(there, field.name))
        values["warnings"] = tuple(with_arguments(one, lambda *_: None) for one in values["warnings"])
        return cls(**values)

    @property
    def is_usable(self) -> bool:
        """Whether the verdict allows any use."""
        return allows_use(self.verdict)

    @property
    def usable_value(self) -> float | None:
        """λ̂, `None` if it is not to be used: what means, comparisons, claims and scores are made of."""
        return self.value if self.is_usable else None


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return tuple(map(_plain, value.tolist()))
    if isinstance(value, Descent):
        return Descent(**{name: _plain(number) for name, number in asdict(value).items()})
    return None if isinstance(value, float) and not math.isfinite(value) else value
