"""What a run found."""

import math
from dataclasses import dataclass, fields
from pathlib import Path

from keras_selfmodel._installation import Backend
from keras_selfmodel._typed_files import TypedFile, plain
from keras_selfmodel.experiments.measured_ranges import check_measure
from keras_selfmodel.experiments.objectives import SELF_MODELING
from keras_selfmodel.experiments.paper import PaperFigures
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.run_config import RunConfig
from keras_selfmodel.rlct import RLCTSummary

# Settings that an estimate has just as the recipe gives them; what it leaves open is chosen for the network.
SAMPLED_AS_ASKED = (
    "convention",
    "sampler",
    "step_size",
    "localization",
    "inverse_temperature",
    "num_chains",
    "num_draws",
    "burn_in",
    "thinning",
    "batch_size",
    "control_variate",
    "seed",
)


@dataclass(frozen=True)
class Metrics:
    """The measures of one trained network, the same for every run with the same settings: `metrics.json`.

    What is not a number is `None`, as in JSON, which has no NaN.

    Attributes:
        recipe: Its settings.
        accuracy: Fraction of the test samples classified correctly.
        weight_spread: Standard deviation of the pruned network's final kernel.
        weight_interquartile_range: Interquartile range of the same weights.
        weight_excess_kurtosis: Excess kurtosis of the same weights; `None` if they are all equal.
        self_prediction_r2: R² of the self-prediction on the test data; `None` without self-modeling, and where the
            targets do not vary.
        self_prediction_loss: Its mean squared error; `None` without self-modeling.
        rlct: The estimate at the trained weights with its verdict; `None` if it was not measured.
        rlct_descended: The estimate at the minimum of the task's loss near the trained weights (`anchor="descend"`),
            which were trained on another loss where the network models itself.
        data_source: Where the data came from.
        is_subset: Whether the data are only a part of the data set, so that they are not comparable with the
            paper.
        backend: What computed it.
        paper: The paper's figures for the same setting, if it has any.
    """

    recipe: Recipe
    accuracy: float
    weight_spread: float | None
    weight_interquartile_range: float | None
    weight_excess_kurtosis: float | None
    self_prediction_r2: float | None
    self_prediction_loss: float | None
    rlct: RLCTSummary | None
    rlct_descended: RLCTSummary | None
    data_source: str
    is_subset: bool
    backend: Backend
    paper: PaperFigures | None

    def __post_init__(self) -> None:
        for name, value in self.__dict__.items():
            if isinstance(value, float) and not math.isfinite(value):
                object.__setattr__(self, name, None)
        for name, value in self.__dict__.items():
            if isinstance(value, float):
                check_measure(name, value)
        if self.rlct is None and self.rlct_descended is not None:
            raise ValueError("rlct must be given where rlct_descended is. Received: none")
        for name, anchor in (("rlct", "trained"), ("rlct_descended", "descend")):
            estimate = getattr(self, name)
            if estimate is not None and estimate.anchor != anchor:
                raise ValueError(f"{name}.anchor must be {anchor!r}. Received: {estimate.anchor!r}")
            if estimate is not None:
                self._check_sampled_as_asked(name, estimate)

    def _check_sampled_as_asked(self, name: str, estimate: RLCTSummary) -> None:
        """Makes sure that an estimate has the settings that the recipe gives."""
        asked = self.recipe.rlct
        if asked is None:
            raise ValueError(f"{name} must be null, as the recipe leaves it out. Received: an estimate")
        for setting in SAMPLED_AS_ASKED:
            wanted, there = getattr(asked, setting), getattr(estimate, setting)
            if wanted is None or there is None or wanted == "auto":
                continue
            if setting == "num_draws" and asked.target_error is not None:
                continue  # With a target_error num_draws is only the largest number.
            if wanted != there and not (isinstance(wanted, float) and math.isclose(wanted, there, rel_tol=1e-9)):
                raise ValueError(f"{name}.{setting} must be {wanted!r}, as in the recipe. Received: {there!r}")

    def missing_estimate(self) -> str:
        """The field of an estimate that the recipe asks for and that is not there; empty if there is none."""
        asked = {"rlct": self.recipe.rlct is not None, "rlct_descended": self.recipe.descend and bool(self.recipe.rlct)}
        return next((name for name, is_asked in asked.items() if is_asked and name not in self.estimates()), "")

    def estimates(self) -> dict[str, RLCTSummary]:
        """The estimates of the RLCT that were made, by the name of their field: "rlct", "rlct_descended"."""
        found = {"rlct": self.rlct, "rlct_descended": self.rlct_descended}
        return {name: estimate for name, estimate in found.items() if estimate is not None}

    def was_measured(self, name: str) -> bool:
        """Whether a measure was taken, by the name of its field; what came of it may be `None`, which is no number."""
        if name in ("self_prediction_r2", "self_prediction_loss"):
            predicts_itself = self.recipe.objective == SELF_MODELING and self.recipe.aux_weight > 0
            return predicts_itself or getattr(self, name) is not None
        return name not in ("rlct", "rlct_descended") or name in self.estimates()

    def number(self, name: str) -> float | None:
        """A measure as a number, by the name of its field; of an RLCT its value, `None` if it is not to be used."""
        value = getattr(self, name)
        return value.usable_value if isinstance(value, RLCTSummary) else value


METRICS = TypedFile(Metrics, format=1)


@dataclass(frozen=True)
class RunResult(Metrics):
    """The measures of one trained network, and where they come from.

    Attributes:
        seconds: Wall time of each part, all sessions of an interrupted run together. It is no property of the network.
        folder: Where the files are.
        config: What was written down before the run started; `None` if that file is missing.
    """

    seconds: dict[str, float]
    folder: Path
    config: RunConfig | None

    @property
    def stored(self) -> Metrics:
        """What `metrics.json` holds: all that the settings decide."""
        return Metrics(**{field.name: getattr(self, field.name) for field in fields(Metrics)})

    def metrics(self) -> dict:
        """The same in plain values."""
        return plain(self.stored)

    @classmethod
    def of(cls, stored: Metrics, seconds: dict[str, float], folder: Path, config: RunConfig | None) -> "RunResult":
        """The result that `stored` is a part of."""
        return cls(**stored.__dict__, seconds=seconds, folder=folder, config=config)
