"""The result of an RLCT estimation."""

import dataclasses
import math
import warnings
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.descent import Descent
from keras_selfmodel.rlct.split_r_hat import split_r_hat
from keras_selfmodel.rlct.standard_error import relative_sampling_error, sampling_error
from keras_selfmodel.rlct.summary import Anchor, RLCTSummary, Verdict

# The customary limit; above it, the standard error over the chains means little.
R_HAT_LIMIT = 1.05
# Relative sampling error below which it does not matter that chains differ.
NEGLIGIBLE = 0.01
# Heat beyond this part of the value is warned of.
HEAT_LIMIT = 0.5
# What is not known of the heat, as a part of it, and of the value (benchmarks/rlct_accuracy.py).
HEAT_DOUBT, VALUE_DOUBT = 0.05, 0.02
# Steps over which a loss below that of w* is looked for.
STRETCH = 25
# The gradient at w* is objected to if the loss falls along it by more than this part of the value.
GRADIENT_LIMIT = 0.05
# Mean acceptance of a sampler that rejects, below which the chains hardly move.
LEAST_ACCEPTANCE = 0.2


@dataclass(frozen=True)
class RLCTEstimate:
    """An estimate of the RLCT (local learning coefficient) and all that it was computed from.

    Attributes:
        settings: Settings of the sampling, with the convention.
        num_samples: n, samples of the data.
        num_parameters: Number of weights that were sampled.
        inverse_temperature: nβ.
        localization: γ.
        initial_loss: L₀: mean loss at w*, over all data ("dataset") or the first `num_chains` batches ("paper").
        losses: L_B(w_t) before each step, `(chains, steps)`, burn-in included; NaN where a chain was stopped.
        reference_losses: The loss of the same batches at w*, `(chains, steps)`.
        heat: What each step adds to the chain by the noise of its batch and its length, `(chains, steps)`; see
            `rlct.samplers.Sampler`.
        acceptance: Probability with which each draw was accepted, `(chains, steps)`; 1 where the sampler accepts all.
        step_sizes: ε of each step, `(chains, steps)`.
        distances: |w − w*| of each chain after its last step, `(chains,)`.
        anchor_norm: |w*|.
        gradient_term: nβ times the fall of the loss along its gradient at w*, to where a parabola has its minimum.
            At a minimum it is 0; the estimate is too low by at least as much.
        descent: How w* was found with `anchor="descend"`; `None` if it is the trained weights.
        observed: For each further data set, the excess of its loss over that at w*, `(chains, calls)`.
        gradient_evaluations: Gradients of a batch that it took, all chains and the search for a step size together.
    """

    settings: SamplingSettings
    num_samples: int
    num_parameters: int
    inverse_temperature: float
    localization: float
    initial_loss: float
    losses: np.ndarray
    reference_losses: np.ndarray
    heat: np.ndarray
    acceptance: np.ndarray
    step_sizes: np.ndarray
    distances: np.ndarray
    anchor_norm: float
    gradient_term: float
    gradient_evaluations: int
    descent: Descent | None = None
    observed: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """λ̂ by the convention: "dataset" compares each draw with the same batch at w* and takes off
        `heat_correction`; "paper" is the plain difference."""
        return float(np.mean(self.chain_values))

    @property
    def std_error(self) -> float:
        """Standard error of `value`; NaN for a single chain.

        With "dataset" three parts in quadrature: `sampling_error`, 5 % of `heat_correction`, and 2 % of the value for
        what localization, step size and burn-in leave, as measured on deep linear networks of known RLCT. With "paper"
        it is `sampling_error` alone. It knows nothing of places where no chain has been.
        """
        if self.settings.convention == "paper":
            return self.sampling_error
        return math.hypot(self.sampling_error, HEAT_DOUBT * self.heat_correction, VALUE_DOUBT * self.value)

    @property
    def sampling_error(self) -> float:
        """Standard error of finite sampling: over the chains ("paper"), over stretches of all chains ("dataset")."""
        if len(self.losses) < 2:
            return math.nan
        if self.settings.convention == "paper":
            return float(np.std(self.chain_values, ddof=1) / math.sqrt(len(self.chain_values)))
        return sampling_error(self._corrected)

    @property
    def chain_values(self) -> np.ndarray:
        """λ̂ of each chain, `(chains,)`."""
        if self.settings.convention == "paper":
            return self._chain_means(self.initial_loss)
        return np.mean(self._corrected, axis=1)

    @property
    def paired_value(self) -> float:
        """nβ·mean[L_B(w) − L_B(w*)]: each draw compared with the same batch at w*, nothing taken off."""
        return float(np.mean(self._chain_means(self.reference_losses)))

    @property
    def plain_value(self) -> float:
        """nβ·(mean[L_B(w)] − L₀): noisier, because batches differ in difficulty."""
        return float(np.mean(self._chain_means(self.initial_loss)))

    @property
    def heat_correction(self) -> float:
        """What the noise of the batches and the length of the steps add to `paired_value`, measured along the chains.

        Exact where the posterior is Gaussian; where it is large beside the estimate, take larger batches.
        """
        return float(0.5 * np.mean(self._kept(self.heat)))

    @property
    def step_size(self) -> float:
        """ε of the draws, of the first chain."""
        return float(self.step_sizes[0, np.isfinite(self.step_sizes[0])][-1])

    @property
    def distance(self) -> float:
        """The root mean square of `distances`.

        RLCT theory is about a neighborhood of w*: compare with `anchor_norm`, and estimates at several localizations
        with each other.
        """
        return float(np.sqrt(np.mean(self.distances**2)))

    @property
    def anchor(self) -> Anchor:
        """What w* is: "trained" weights, or those that "descend" found."""
        return "trained" if self.descent is None else "descend"

    @property
    def num_draws(self) -> int:
        """Draws of each chain that count."""
        return self.draws.shape[1]

    @property
    def acceptance_rate(self) -> float:
        """Mean probability with which the draws were accepted."""
        return float(np.mean(self._kept(self.acceptance)))

    def observed_value(self, name: str) -> tuple[float, float]:
        """nβ·mean[L'(w) − L'(w*)] with L' the loss of a further data set, and its standard error.

        What the draws, which know nothing of those data, cost on them: of fresh data from the same source about as much
        as the RLCT if nothing was overfitted. The heat of the batches is not taken off.

        Args:
            name: Its name in `observe`.
        """
        if name not in self.observed:
            raise ValueError(f"Observed were {list(self.observed)}. Received: name={name!r}")
        draws = self.inverse_temperature * self.observed[name]
        return float(draws.mean()), sampling_error(draws) if len(draws) > 1 else math.nan

    @property
    def r_hat(self) -> float:
        """Split R̂ of the draws; below 1.05 where the chains agree."""
        return split_r_hat(self.draws)

    @cached_property
    def ess(self) -> float:
        """Effective number of independent draws, all chains together (bulk). Needs ArviZ."""
        draws = self.draws
        if not np.isfinite(draws).all() or draws.shape[1] < 4:
            return math.nan
        return float(_arviz("ess").ess(draws))

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the estimate, in sentences; empty if nothing does."""
        return tuple(sentence for _, sentence in self._objections)

    @property
    def verdict(self) -> Verdict:
        """ "reliable" if nothing speaks against the estimate, "not to be used" if it is no RLCT, else "doubtful"."""
        if not self._objections:
            return "reliable"
        return "not to be used" if any(fatal for fatal, _ in self._objections) else "doubtful"

    def summary(self) -> RLCTSummary:
        """The estimate without its chains: what run folders, tables and reports hold. Needs ArviZ."""
        return RLCTSummary.of(self)

    def to_inference_data(self):
        """The chains as ArviZ knows them, for its plots and diagnostics. Needs ArviZ.

        Returns:
            An `arviz.InferenceData`: `posterior["rlct"]` holds what each draw says of the RLCT, the heat taken off,
            `sample_stats` the losses, heat, acceptance and step sizes of the draws; settings and result are its
            attributes; the burn-in is in `warmup_posterior` and `warmup_sample_stats`.

        Example: `arviz.plot_rank(estimate.to_inference_data())`, `estimate.to_inference_data().to_netcdf("chains.nc")`.
        """
        burn_in = self.settings.burn_in
        return _arviz("to_inference_data").from_dict(
            posterior={"rlct": self._corrected},
            sample_stats=self._statistics(self._kept),
            warmup_posterior={"rlct": self._excess[:, :burn_in] - 0.5 * self.heat[:, :burn_in]},
            warmup_sample_stats=self._statistics(lambda trace: trace[:, :burn_in]),
            save_warmup=burn_in > 0,
            attrs={
                **{
                    f"setting_{name}": int(value) if isinstance(value, bool) else value  # netCDF knows no truth values
                    for name, value in dataclasses.asdict(self.settings).items()
                    if value is not None
                },
                "value": self.value,
                "std_error": self.std_error,
                "gradient_term": self.gradient_term,
                "initial_loss": self.initial_loss,
                "inverse_temperature": self.inverse_temperature,
                "localization": self.localization,
                "verdict": self.verdict,
            },
        )

    @property
    def draws(self) -> np.ndarray:
        """nβ·[L_B(w) − L_B(w*)] at each draw that counts, `(chains, draws)`."""
        return self._kept(self._excess)

    def plot(self):
        """Draws the traces of the chains with the burn-in shaded, their ranks and autocorrelation. Needs matplotlib.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from keras_selfmodel.rlct.trace_figure import trace_figure

        return trace_figure(self)

    def __repr__(self) -> str:
        return (
            f"RLCTEstimate({self.value:.4g} ± {self.std_error:.2g}, convention={self.settings.convention!r}, "
            f"nβ={self.inverse_temperature:.4g}, {self.verdict})"
        )

    @property
    def _corrected(self) -> np.ndarray:
        """`draws` with the heat of each step taken off; its mean is `value` of the dataset convention."""
        return self.draws - 0.5 * self._kept(self.heat)

    @property
    def _excess(self) -> np.ndarray:
        return self.inverse_temperature * (self.losses - self.reference_losses)

    def _statistics(self, part) -> dict[str, np.ndarray]:
        names = {"loss": self.losses, "reference_loss": self.reference_losses, "heat": self.heat}
        names |= {"acceptance_rate": self.acceptance, "step_size": self.step_sizes}
        return {name: part(trace) for name, trace in names.items()}

    @cached_property
    def _objections(self) -> list[tuple[bool, str]]:
        return list(_objections(self))

    def _kept(self, trace: np.ndarray) -> np.ndarray:
        return trace[:, self.settings.burn_in :: self.settings.thinning]

    def _chain_means(self, reference: np.ndarray | float) -> np.ndarray:
        # A chain with a non-finite loss has the value NaN, and so has the estimate: it is not averaged away.
        return self.inverse_temperature * np.mean(self._kept(self.losses - reference), axis=1)


def _arviz(use: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # ArviZ announces its next major version on import.
        try:
            import arviz
        except ImportError as error:
            raise ImportError(f"{use} needs ArviZ: pip install 'keras-selfmodel[experiments]'") from error
    return arviz


def _objections(estimate: RLCTEstimate):
    """Yields what speaks against an estimate: whether it forbids any use, and a sentence."""
    finite = np.isfinite(estimate.losses).all(axis=1)
    if not finite.all():
        first = [int(np.argmin(np.isfinite(trace))) for trace in estimate.losses[~finite]]
        chains = ", ".join(f"chain {c} from step {s}" for c, s in zip(np.flatnonzero(~finite), first, strict=True))
        yield (
            True,
            f"The loss is not finite in {chains}: the estimate is NaN. Take a smaller step size than "
            f"{estimate.step_size:g}, or a stronger localization.",
        )
        return
    values = estimate.chain_values
    diverged = _diverged(estimate)
    for chain in diverged:
        yield (
            True,
            f"Chain {chain} diverged: its loss keeps rising, beyond any RLCT. Take a smaller step size than "
            f"{estimate.step_size:g}, or a stronger localization.",
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
            f"The estimate is negative ({estimate.value:.3g}), which no RLCT is: what is taken off for the noise of "
            f"the batches and the length of the steps, {estimate.heat_correction:.3g}, is more than the "
            f"{estimate.paired_value:.3g} measured. Take larger batches, or a smaller step size than "
            f"{estimate.step_size:g}.",
        )
    elif estimate.value < 0:
        yield (
            True,
            f"The estimate is negative ({estimate.value:.3g}), which no RLCT is: the chains found a lower loss than "
            "that of w*, so w* is not a minimum of the loss measured. Train longer on that loss, or take "
            "anchor='descend'.",
        )
    elif (values < 0).any():
        yield (
            False,
            f"The mean loss lies below that of w* in chains {np.flatnonzero(values < 0).tolist()}: w* may not be a "
            "minimum of the loss measured.",
        )
    elif not len(diverged) and estimate.value - 3 * np.nan_to_num(estimate.std_error) > estimate.num_parameters / 2:
        yield (
            True,
            f"The estimate is above half the number of weights, {estimate.num_parameters / 2:g}, which no RLCT is: the "
            "chains are not near w*, or too hot. Take a stronger localization or a smaller step size.",
        )
    drop = _lowest_stretch(estimate)
    at_minimum = "Train longer on it" if estimate.descent else "Train longer on it, or take anchor='descend'"
    if estimate.value >= 0 and drop < 0:
        yield (
            False,
            f"On their way the chains found a mean loss below that of w*, by {-drop:.3g} in units of the RLCT: w* is "
            f"not a minimum of the loss measured, and the estimate is too low by at least that. {at_minimum}.",
        )
    elif estimate.value >= 0 and estimate.gradient_term > max(
        GRADIENT_LIMIT * estimate.value, 2 * np.nan_to_num(estimate.std_error)
    ):
        yield (
            False,
            f"The loss falls along its gradient at w* by {estimate.gradient_term:.3g} in units of the RLCT: w* is not "
            f"a minimum of the loss measured, and the estimate is too low by at least that. {at_minimum}.",
        )
    noise = max(2 * np.nan_to_num(estimate.sampling_error), NEGLIGIBLE * abs(estimate.value))
    if -estimate.heat_correction > noise:
        yield (
            -estimate.heat_correction > HEAT_LIMIT * abs(estimate.value),
            f"The chains still took up {-estimate.heat_correction:.3g} in units of the RLCT during the draws: they "
            "were not at rest. Sample with more burn-in.",
        )
    much = estimate.heat_correction > HEAT_LIMIT * abs(estimate.value)
    if estimate.settings.convention == "dataset" and much and not overcorrected:
        yield (
            False,
            f"The noise of the batches adds {estimate.heat_correction:.3g}, which is taken off but large beside the "
            "estimate. Take larger batches.",
        )
    if estimate.acceptance_rate < LEAST_ACCEPTANCE:
        yield (
            False,
            f"Only {estimate.acceptance_rate:.0%} of the draws were accepted: the chains hardly moved. Take a smaller "
            f"step size than {estimate.step_size:g}.",
        )
    target = estimate.settings.target_error
    reached = relative_sampling_error(estimate._corrected)
    if target is not None and reached > target:
        yield (
            False,
            f"The sampling error is {reached:.1%} of the estimate after the most draws allowed, "
            f"{estimate.draws.shape[1]} of each chain: above the {target:.1%} asked for. Allow more draws.",
        )
    if len(values) == 1:
        yield False, "One chain gives no standard error and cannot show whether it converged."


def _lowest_stretch(estimate: RLCTEstimate) -> float:
    """The least mean of nβ[L_B(w) − L_B(w*)] over stretches of all chains, if it is below 0 beyond doubt; else 0."""
    excess = estimate._excess
    steps = excess.shape[1] // STRETCH * STRETCH
    if not steps:
        return 0.0
    stretches = excess[:, :steps].reshape(len(excess), -1, STRETCH)
    means = stretches.mean(axis=(0, 2))
    lowest = int(np.argmin(means))
    error = stretches[:, lowest].std() / math.sqrt(stretches[:, lowest].size)
    # Four standard errors, and more than a hundredth of what is measured.
    return float(means[lowest]) if means[lowest] < -max(4 * error, NEGLIGIBLE * abs(estimate.value)) else 0.0


def _diverged(estimate: RLCTEstimate) -> np.ndarray:
    """Chains whose last quarter lies above any RLCT, which is at most d/2, and twice above their second quarter."""
    excess = estimate._excess
    if excess.shape[1] < 8:
        return np.empty(0, int)
    _, second, _, last = (quarter.mean(axis=1) for quarter in np.array_split(excess, 4, axis=1))
    return np.flatnonzero((last > estimate.num_parameters) & (last > 2 * second))
