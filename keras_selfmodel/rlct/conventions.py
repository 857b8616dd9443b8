"""What nβ means, in the literature and in the paper: the one number two estimates must share to be compared."""

import math
from dataclasses import dataclass
from typing import Literal

Convention = Literal["dataset", "paper"]


@dataclass(frozen=True)
class SamplingSettings:
    """Everything that decides an estimate besides the model and the data.

    Attributes:
        convention: "dataset" is the literature's: nβ = n/ln n with n the number of samples; each chain has its own
            reshuffled batches; the network is in inference mode; every draw is compared with the loss of the same
            batch at w*. "paper" is what produced the figures of arXiv 2407.10188 (devinterp 0.2.0): nβ = B/ln B with
            B the batch size; all chains see the batches in the order of the data, cycled; the network is in training
            mode; L₀ is the mean loss of the first `num_chains` batches.
        step_size: ε > 0.
        localization: γ ≥ 0, the strength that ties the chains to w*.
        num_chains: Chains, ≥ 1; the standard error needs two.
        num_draws: Draws that each chain contributes to the estimate.
        burn_in: Steps before the first of these.
        thinning: Steps from one draw to the next.
        batch_size: B, at most the number of samples.
        seed: Seed of batches and noise.
    """

    convention: Convention = "dataset"
    step_size: float = 1e-6
    localization: float = 100.0
    num_chains: int = 4
    num_draws: int = 1000
    burn_in: int = 500
    thinning: int = 1
    batch_size: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if self.convention not in ("dataset", "paper"):
            raise ValueError(f"convention must be 'dataset' or 'paper'. Received: {self.convention!r}")
        if not (math.isfinite(self.step_size) and self.step_size > 0):
            raise ValueError(f"step_size must be finite and positive. Received: step_size={self.step_size}")
        if not (math.isfinite(self.localization) and self.localization >= 0):
            raise ValueError(
                f"localization must be finite and not negative. Received: localization={self.localization}"
            )
        least = {"num_chains": 1, "num_draws": 1, "burn_in": 0, "thinning": 1, "batch_size": 2, "seed": 0}
        for name, minimum in least.items():
            value = getattr(self, name)
            if value != int(value) or value < minimum:
                raise ValueError(f"{name} must be a whole number, at least {minimum}. Received: {name}={value}")

    @property
    def num_steps(self) -> int:
        """Steps of each chain, burn-in included."""
        return self.burn_in + self.num_draws * self.thinning

    def inverse_temperature(self, num_samples: int) -> float:
        """nβ: n/ln n of the data set, or B/ln B of the batch.

        Example:

        >>> round(SamplingSettings(convention="paper", batch_size=512).inverse_temperature(60000), 1)
        82.1
        """
        size = num_samples if self.convention == "dataset" else self.batch_size
        return size / math.log(size)
