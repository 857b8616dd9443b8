"""What a run found."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from keras_selfmodel.experiments.paper import PaperFigures
from keras_selfmodel.experiments.recipe import Recipe


@dataclass(frozen=True)
class RunResult:
    """The measures of one trained network. What is not a number is `None`, as in JSON, which has no NaN.

    Attributes:
        recipe: Its settings.
        accuracy: Fraction of the test samples classified rightly.
        weight_spread: Standard deviation of the pruned network's final kernel.
        weight_interquartile_range: Interquartile range of the same weights.
        weight_excess_kurtosis: Excess kurtosis of the same weights; `None` if they are all equal.
        self_prediction_r2: R² of the self-prediction on the test data; `None` without self-modeling.
        self_prediction_loss: Its mean squared error; `None` without self-modeling.
        rlct: λ̂, or `None` if it was not measured or is not a number; `rlct_warnings` tell which.
        rlct_std_error: Its standard error over the chains; `None` for a single chain.
        rlct_warnings: What speaks against λ̂.
        rlct_descended: λ̂ at the minimum of the task's loss near the trained weights (`anchor="descend"`), which were
            trained on another loss where the network models itself.
        rlct_descended_std_error: Its standard error over the chains.
        inverse_temperature: nβ of the estimate.
        data_source: Where the data came from.
        is_subset: Whether the data are only a part of the data set, so that no comparison with the paper
            holds.
        backend: What computed it.
        paper: The paper's figures for the same setting, if it has any.
        seconds: Wall time of each part, all sittings of an interrupted run together. Left out of `metrics`,
            because it is no property of the network.
        folder: Where the files are.
    """

    recipe: Recipe
    accuracy: float
    weight_spread: float
    weight_interquartile_range: float
    weight_excess_kurtosis: float | None
    self_prediction_r2: float | None
    self_prediction_loss: float | None
    rlct: float | None
    rlct_std_error: float | None
    rlct_warnings: tuple[str, ...]
    rlct_descended: float | None
    rlct_descended_std_error: float | None
    inverse_temperature: float | None
    data_source: str
    is_subset: bool
    backend: str
    paper: PaperFigures | None
    seconds: dict[str, float]
    folder: Path

    def __post_init__(self) -> None:
        for name, value in self.__dict__.items():
            if isinstance(value, float) and not math.isfinite(value):
                object.__setattr__(self, name, None)

    def metrics(self) -> dict:
        """All but seconds and folder, as JSON holds it: the same for every run with the same settings."""
        values = {name: value for name, value in self.__dict__.items() if name not in ("seconds", "folder")}
        return {
            **values,
            "recipe": self.recipe.to_dict(),
            "rlct_warnings": list(self.rlct_warnings),
            "paper": None if self.paper is None else asdict(self.paper),
        }

    @classmethod
    def from_metrics(cls, metrics: dict, seconds: dict[str, float], folder: Path) -> "RunResult":
        """The inverse of `metrics`."""
        paper = metrics["paper"]
        return cls(
            **{
                **metrics,
                "recipe": Recipe.from_dict(metrics["recipe"]),
                "rlct_warnings": tuple(metrics["rlct_warnings"]),
                "paper": None if paper is None else PaperFigures(**paper),
            },
            seconds=seconds,
            folder=folder,
        )
