"""What nβ means, in the literature and in the paper: the one number two estimates must share to be compared."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from keras_selfmodel._ranges import NumberRange
from keras_selfmodel.rlct.samplers import SAMPLERS, Sampler, SamplerName

# Samples of a batch, where there are as many.
BATCH_SIZE = 512

Convention = Literal["dataset", "paper"]
"""How nβ, batches and chains are chosen: as in the literature, or as in the paper."""

# Chains of the dataset convention: more where they are cheap and few directions make the draws vary the most.
CHAINS, CHAINS_OF_FEW_WEIGHTS, FEW_WEIGHTS = 2, 8, 500
# Losses that are kept: 8 GB. A larger number of chains or steps is a slip of the hand.
MOST = 10**9
LARGEST_SEED = 2**32 - 1
# γ = γ₀/10: a prior √10 times as wide as the weights (docs/rlct.md has what others give).
WIDER = 10.0

DEFAULTS: dict[str, dict[str, Any]] = {
    "dataset": {"sampler": "underdamped", "num_draws": 1600, "burn_in": 3000},
    "paper": {
        "sampler": "sgld",
        "step_size": 1e-4,
        "localization": 100.0,
        "num_chains": 4,
        "num_draws": 500,
        "burn_in": 500,
    },
}


SAMPLING_RANGES = {
    **dict.fromkeys(("step_size", "inverse_temperature"), NumberRange(0, above=True)),
    "target_error": NumberRange(0, 1, above=True),
    "localization": NumberRange(0),
    **dict.fromkeys(("num_chains", "num_draws", "thinning", "chains_at_once"), NumberRange(1, MOST, whole=True)),
    "burn_in": NumberRange(0, MOST, whole=True),
    "batch_size": NumberRange(2, MOST, whole=True),
    "seed": NumberRange(0, LARGEST_SEED, whole=True),
}
"""What the settings that are numbers may be."""


@dataclass(frozen=True)
class SamplingSettings:
    """Everything that decides an estimate besides the model and the data.

    Fields that are `None` take their convention's default: for "paper" the paper's figures, named in parentheses.

    Attributes:
        convention: "dataset" is the literature's: nβ = n/ln n with n the number of samples; each chain has its own
            random batches; the network is in inference mode; every draw is compared with the loss of the same
            batch at w*. "paper" is what produced the figures of arXiv 2407.10188 (devinterp 0.2.0): nβ = B/ln B with
            B the batch size; all chains see the batches in the order of the data, cycled; the network is in training
            mode; L₀ is the mean loss of the first `num_chains` batches; nothing is corrected.
        sampler: "underdamped" (the default of "dataset"), "sgld" ("paper"), "rmsprop", "sgnht", or "mala", whose
            batches are all the data; see `rlct.samplers`.
        step_size: ε > 0, of the underdamped sampler the square of its time step. `None`: chosen from the largest
            curvature of the loss, followed during burn-in, and quartered where the chains fly off (1e-4).
        localization: γ ≥ 0, the strength that ties the chains to w*. `None`: γ₀/10, a tenth of that of a prior as wide
            as the d weights themselves, γ₀ = d/R² with R² of `weight_scale`; a tenth of that where the data hold more
            than three quarters of the directions (100). Estimates of networks depend on it: see
            `RLCTEstimate.sensitivity`.
        inverse_temperature: nβ > 0. `None`: the convention's. "auto" (only "dataset"): the convention's divided by the
            least power of 4 at which what the loss can still fall near w* is less than a tenth of the estimate, as
            pilots find: for weights that are no minimum of the loss.
        num_chains: Chains, ≥ 1. `None`: 2, or 8 for fewer than 500 weights (4).
        num_draws: Draws that each chain contributes to the estimate; with a `target_error`, the maximum. `None`: 1600,
            with a `target_error` 16,000 (500).
        target_error: Sampling ends when the sampling error is at most this fraction of the estimate. `None`: after
            `num_draws`.
        burn_in: Steps before the first of these. `None`: 3000 (500).
        thinning: Steps from one draw to the next.
        batch_size: B, at most the number of samples. `None`: 512, or all where there are fewer, and all with "mala".
        chains_at_once: How many chains are sampled together, the others after them, where memory is short. With SGLD on
            PyTorch one at a time takes 7 copies of the weights beside the data, the model included, two together 14.5;
            the default sampler takes more, for its momenta (benchmarks/rlct_scale.py). `None`: all.
        control_variate: Whether each batch's gradient at w* is taken off its gradient, and that of all data added: less
            noise near w*, twice the work. Only "dataset". `None`: with fewer than 500 weights, unless the step size is
            given (no).
        seed: Seed of batches and noise.

    Raises:
        ValueError: If a field is out of its range, or has no meaning in the convention.
    """

    convention: Convention = "dataset"
    sampler: SamplerName | None = None
    step_size: float | None = None
    localization: float | None = None
    inverse_temperature: float | Literal["auto"] | None = None
    num_chains: int | None = None
    num_draws: int | None = None
    target_error: float | None = None
    burn_in: int | None = None
    thinning: int = 1
    batch_size: int | None = None
    chains_at_once: int | None = None
    control_variate: bool | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.convention not in DEFAULTS:
            raise ValueError(f"convention must be 'dataset' or 'paper'. Received: {self.convention!r}")
        if self.num_draws is None and self.target_error is not None:
            object.__setattr__(self, "num_draws", 10 * DEFAULTS[self.convention]["num_draws"])
        for name, value in DEFAULTS[self.convention].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        if self.sampler not in SAMPLERS:
            raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}. Received: {self.sampler!r}")
        if self.convention == "paper" and self.sampler != "sgld":
            raise ValueError(f"The paper's convention samples by SGLD. Received: sampler={self.sampler!r}")
        if self.step_size is None and self.sampler_class.curvature_step is None:
            raise ValueError(
                f"sampler={self.sampler!r} needs a step size (step_size=…): it cannot be derived from the curvature"
            )
        if self.control_variate and self.convention == "paper":
            raise ValueError("control_variate has no meaning with convention='paper', which corrects nothing.")
        if self.target_error is not None and self.num_chains == 1:
            raise ValueError(
                "A target for the error (target_error=…) needs at least 2 chains: one has no sampling error."
            )
        if self.inverse_temperature == "auto" and self.convention == "paper":
            raise ValueError("inverse_temperature='auto' has no meaning with convention='paper', which fixes nβ.")
        for name, allowed in SAMPLING_RANGES.items():
            value = getattr(self, name)
            if value is None or (name == "inverse_temperature" and value == "auto"):
                continue
            # Numbers of Python: others neither JSON nor every backend's sums know.
            object.__setattr__(self, name, allowed.check(name, value))
        kept = (self.num_chains or 1) * self.num_steps
        if kept > MOST:
            raise ValueError(
                f"The losses of all steps of all chains are kept, at most {MOST:,} of them. Received: {kept:,}, for "
                f"num_chains={self.num_chains}, burn_in={self.burn_in}, num_draws={self.num_draws}, "
                f"thinning={self.thinning}"
            )

    @property
    def num_steps(self) -> int:
        """Steps of each chain, burn-in included."""
        # The convention has filled both in.
        return cast(int, self.burn_in) + cast(int, self.num_draws) * self.thinning

    @property
    def sampler_class(self) -> type[Sampler]:
        """The sampler of that name."""
        return SAMPLERS[cast(str, self.sampler)]  # The convention has filled it in.

    @property
    def safe_step(self) -> float:
        """ε·A of the sampler, from which the curvature A gives the step size where none is given."""
        return cast(float, self.sampler_class.curvature_step)  # Without one, settings need a step size.

    def for_samples(self, num_samples: int) -> "SamplingSettings":
        """These settings with a batch size.

        Example:

        >>> SamplingSettings().for_samples(200).batch_size, SamplingSettings().for_samples(60_000).batch_size
        (200, 512)
        """
        if self.batch_size is not None:
            return self
        whole = self.sampler_class.acceptance is not None
        return replace(self, batch_size=num_samples if whole else min(BATCH_SIZE, num_samples))

    def check_batch(self, num_samples: int) -> None:
        """Makes sure that there are enough samples for a batch.

        Raises:
            ValueError: If there are fewer, or the sampler needs all of them.
        """
        size = self.batch_size
        if size is not None and size > num_samples:
            raise ValueError(
                f"batch_size must be at most the number of samples. Received: batch_size={size} with {num_samples} "
                "samples"
            )
        if size is not None and size < num_samples and self.sampler_class.acceptance is not None:
            raise ValueError(
                f"sampler={self.sampler!r} accepts draws by the loss of all data: it needs batch_size={num_samples}. "
                f"Received: batch_size={size}"
            )

    def resolved(self, num_samples: int, num_parameters: int, scale: float) -> "ResolvedSettings":
        """These settings with nβ, γ, the number of chains and the batch size as numbers.

        Args:
            num_samples: n.
            num_parameters: d, the number of weights that are sampled.
            scale: Their R², see `weight_scale`.

        Example:

        >>> paper = SamplingSettings(convention="paper", batch_size=512)
        >>> round(paper.resolved(60_000, 407_050, 193.0).inverse_temperature, 1)
        82.1
        >>> default = SamplingSettings().resolved(60_000, 407_050, 193.0)
        >>> round(default.inverse_temperature), round(default.localization), default.num_chains
        (5454, 211, 2)
        """
        few = num_parameters < FEW_WEIGHTS
        settings = self.for_samples(num_samples)
        size = num_samples if self.convention == "dataset" else cast(int, settings.batch_size)
        found: dict[str, Any] = {
            "inverse_temperature": size / math.log(size),
            "localization": num_parameters / scale / WIDER,
            "num_chains": CHAINS_OF_FEW_WEIGHTS if few else CHAINS,
            "control_variate": few and self.convention == "dataset" and self.step_size is None,
        }
        missing = {name: value for name, value in found.items() if getattr(self, name) is None}
        return cast(ResolvedSettings, replace(settings, **missing))


if TYPE_CHECKING:

    class ResolvedSettings(SamplingSettings):
        """What `SamplingSettings.resolved` returns: a number for all but the step size."""

        sampler: SamplerName
        localization: float
        inverse_temperature: float
        num_chains: int
        num_draws: int
        burn_in: int
        batch_size: int
        control_variate: bool
else:
    ResolvedSettings = SamplingSettings
