"""The chains of an estimate, and their diagnostics."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from keras_selfmodel.rlct.conventions import ResolvedSettings
from keras_selfmodel.rlct.convergence import split_r_hat
from keras_selfmodel.rlct.standard_error import sampling_error
from keras_selfmodel.rlct.summary import Anchor, Descent

if TYPE_CHECKING:
    from keras_selfmodel.rlct.profile_of_localizations import LocalizationProfile
    from keras_selfmodel.rlct.temperature import HotterEstimate


@dataclass(frozen=True)
class Draws:
    """The chains of an estimate, what was recorded along them, and their diagnostics.

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
        squares: |w − w*|² at each step, `(chains, steps)`; NaN where it is not followed.
        virial: (w − w*)·∇L_B(w) at each step, `(chains, steps)`; NaN where it is not followed.
        step_sizes: ε of each step, `(chains, steps)`.
        distances: |w − w*| of each chain after its last step, `(chains,)`.
        anchor_norm: |w*|.
        gradient_term: nβ times the fall of the loss along its gradient at w*, to where a parabola has its minimum.
            At a minimum it is 0; the estimate is too low by at least as much.
        descent: How w* was found with `anchor="descend"`; `None` if it is the trained weights.
        observed: For each further data set, the excess of its loss over that at w*, `(chains, calls)`.
        gradient_evaluations: Gradients of a batch that it took, all chains and the search for a step size together.
        second: What draws at γ/4, to which the same chains went on, say of the RLCT, `(chains, draws)`; `None` if
            there are none.
        heated: What draws at nβ/4 and γ/4 say of the RLCT, to which the same chains went on after these, `(chains,
            draws)`; `None` if there are none.
        heated_anharmonic: `anharmonic` of these.
        near: What draws of other chains at 100 γ say of it, `(chains, draws)`; `None` where there are many weights.
        curvatures: Eigenvalues of ∇²L at w*, `(d,)`; `None` where there are too many weights.
        profile: The same at several localizations, if it was asked for.
        hotter: Where w* is no minimum of the loss, an estimate at a temperature at which that hardly matters.
        loss: What loss was measured, and why, in words.
        doubts: Objections to the loss or the data, found before the sampling, in sentences; part of `warnings`.
    """

    settings: ResolvedSettings
    num_samples: int
    num_parameters: int
    inverse_temperature: float
    localization: float
    initial_loss: float
    losses: np.ndarray
    reference_losses: np.ndarray
    heat: np.ndarray
    acceptance: np.ndarray
    squares: np.ndarray
    virial: np.ndarray
    step_sizes: np.ndarray
    distances: np.ndarray
    anchor_norm: float
    gradient_term: float
    gradient_evaluations: int
    descent: Descent | None = None
    observed: dict[str, np.ndarray] = field(default_factory=dict)
    second: np.ndarray | None = None
    heated: np.ndarray | None = None
    heated_anharmonic: np.ndarray | None = None
    near: np.ndarray | None = None
    curvatures: np.ndarray | None = None
    hotter: "HotterEstimate | None" = None
    loss: str = ""
    doubts: tuple[str, ...] = ()
    profile: "LocalizationProfile | None" = None

    @property
    def draws(self) -> np.ndarray:
        """nβ·[L_B(w) − L_B(w*)] at each draw that counts, `(chains, draws)`."""
        return self.kept(self.excess)

    @property
    def corrected(self) -> np.ndarray:
        """`draws` with the heat of each step taken off; its mean is `value` of the dataset convention."""
        return self.draws - 0.5 * self.kept(self.heat)

    @property
    def anharmonic(self) -> np.ndarray:
        """nβ·[L_B(w) − L_B(w*)] − ½nβ(w − w*)·∇L_B(w) at each draw that counts: 0 on average where L is quadratic."""
        return self.draws - 0.5 * self.inverse_temperature * self.kept(self.virial)

    @property
    def excess(self) -> np.ndarray:
        """nβ·[L_B(w) − L_B(w*)] at each step, `(chains, steps)`."""
        return self.inverse_temperature * (self.losses - self.reference_losses)

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
        return float(0.5 * np.mean(self.kept(self.heat)))

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
        return float(np.mean(self.kept(self.acceptance)))

    @property
    def held_by_localization(self) -> float:
        """½γ⟨|w − w*|²⟩: how many half-directions γ holds in place of the loss, flat ones among them.

        Of a direction of curvature h, ½·nβh/(nβh + γ) goes to λ̂ and ½·γ/(nβh + γ) is held by γ.
        """
        return float(0.5 * self.localization * np.mean(self.kept(self.squares)))

    @property
    def degeneracy(self) -> float:
        """½nβ⟨(w − w*)·∇L⟩ / nβ⟨L − L*⟩: 1 where the loss is quadratic, k where it grows like the 2k-th power.

        Where it is not 1, the value approaches the RLCT only like 1/ln n.
        """
        virial = 0.5 * self.inverse_temperature * np.mean(self.kept(self.virial))
        return float(virial / self.paired_value) if self.paired_value else math.nan

    @property
    def quadratic_value(self) -> float | None:
        """½ Σ nβh/(nβ|h| + γ) over the curvatures h at w*: the value if the loss were the parabola that it is there.

        No RLCT at w* is smaller. Where noise makes flat directions curved, it does so to either side, which cancels.
        `None` where the curvatures are not known.
        """
        if self.curvatures is None or not np.isfinite(self.curvatures).all():
            return None
        held = self.inverse_temperature * self.curvatures
        whole = np.abs(held) + self.localization
        return float(0.5 * np.sum(held[whole > 0] / whole[whole > 0]))

    @property
    def unfilled(self) -> float:
        """d/2 − ½γ⟨|w − w*|²⟩ − ½nβ⟨(w − w*)·∇L⟩: half-directions in which the chains have not come to rest.

        0 at equilibrium, by the virial theorem, but for noise and heat; flat directions take the longest.
        """
        virial = 0.5 * self.inverse_temperature * np.mean(self.kept(self.virial))
        return float(0.5 * self.num_parameters - self.held_by_localization - virial + self.heat_correction)

    @property
    def r_hat(self) -> float:
        """Split R̂ of the draws; below 1.05 where the chains agree."""
        return split_r_hat(self.draws)

    @cached_property
    def ess(self) -> float:
        """Effective number of independent draws, all chains together (bulk). Needs ArviZ."""
        from keras_selfmodel.rlct.inference_data import effective_draws

        return effective_draws(self.draws)

    def observed_value(self, name: str) -> tuple[float, float]:
        """nβ·mean[L'(w) − L'(w*)] with L' the loss of a further data set, and its standard error.

        The excess loss of the draws, which were made without those data: for fresh data from the same source it is
        about the RLCT if nothing was overfitted. The heat of the batches is not subtracted.

        Args:
            name: Its name in `observe`.
        """
        if name not in self.observed:
            raise ValueError(f"Observed were {list(self.observed)}. Received: name={name!r}")
        draws = self.inverse_temperature * self.observed[name]
        return float(draws.mean()), sampling_error(draws) if len(draws) > 1 else math.nan

    def kept(self, trace: np.ndarray) -> np.ndarray:
        """Of a trace the steps that count as draws."""
        return trace[:, self.settings.burn_in :: self.settings.thinning]

    def _chain_means(self, reference: np.ndarray | float) -> np.ndarray:
        # A chain with a non-finite loss has the value NaN, and so has the estimate: it is not averaged away.
        return self.inverse_temperature * np.mean(self.kept(self.losses - reference), axis=1)
