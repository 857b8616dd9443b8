"""Runs in the order in which they are compared: studies of series of groups."""

from dataclasses import dataclass
from functools import cached_property

from keras_selfmodel.experiments import SELF_MODELING, RunResult
from keras_selfmodel.statistics.interval import Interval, mean_interval
from keras_selfmodel.studies.measures import find_measure


@dataclass(frozen=True)
class Group:
    """Runs that differ only in their seeds.

    Attributes:
        aux_weight: Their auxiliary weight.
        runs: One for each seed, by rising seed.
    """

    aux_weight: float
    runs: tuple[RunResult, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(run.recipe.seed for run in self.runs)

    def values(self, measure: str) -> dict[int, float]:
        """The measure by seed, of those runs that have it; estimates that are not to be used are left out.

        Of a measure that only the runs that needed it have (`Measure.where_needed`), there are no values.
        """
        found = find_measure(measure)
        if found.where_needed and any(run.rlct is not None and getattr(run, measure) is None for run in self.runs):
            return {}
        return {run.recipe.seed: value for run in self.runs if (value := found.of(run)) is not None}

    def unusable(self, measure: str) -> tuple[RunResult, ...]:
        """The runs whose estimate is not to be used, of a measure that is an RLCT: `values` leaves them out."""
        found = [(run, run.estimates().get(measure)) for run in self.runs]
        return tuple(run for run, estimate in found if estimate is not None and not estimate.is_usable)

    def interval(self, measure: str) -> Interval | None:
        """Mean and 95 % interval over the seeds; `None` if no run has the measure."""
        if measure not in self._intervals:
            self._intervals[measure] = mean_interval(self.values(measure).values())
        return self._intervals[measure]

    @cached_property
    def _intervals(self) -> dict[str, Interval | None]:
        """Those that were asked for: a baseline's is, for each of thousands of runs."""
        return {}


@dataclass(frozen=True)
class Series:
    """Groups that differ in their auxiliary weights: networks of one size.

    Attributes:
        hidden: Units of the hidden layer.
        groups: By rising auxiliary weight.
    """

    hidden: int
    groups: tuple[Group, ...]

    @property
    def baseline(self) -> Group | None:
        """The group without self-modeling, or another objective, AW = 0."""
        return self.groups[0] if self.groups[0].aux_weight == 0 else None

    @property
    def weighted(self) -> tuple[Group, ...]:
        """The groups with AW > 0, whatever their objective."""
        return tuple(group for group in self.groups if group.aux_weight > 0)

    @property
    def runs(self) -> tuple[RunResult, ...]:
        return tuple(run for group in self.groups for run in group.runs)


@dataclass(frozen=True)
class Study:
    """Series that differ in their hidden units: what can be compared with each other, and no more.

    Attributes:
        task: Name of the task.
        backend: Backend of the runs. Those of another backend start from the same weights, so they are no further
            repeats and belong to another study.
        settings: All other settings that decide the numbers, and the data, by name.
        distinction: What sets it apart from the other studies of the same task, in words; empty for the only one.
        series: By rising hidden units.
        repeats: Runs left out, because the same settings and seed are already there.
    """

    task: str
    backend: str
    settings: dict
    distinction: str
    series: tuple[Series, ...]
    repeats: tuple[RunResult, ...]

    @property
    def objective(self) -> str:
        """What its networks are trained on besides the task, a name of `experiments.OBJECTIVES`."""
        return self.settings.get("objective", SELF_MODELING)

    @property
    def title(self) -> str:
        """Task and distinction, as people read them."""
        return f"{self.task} ({self.distinction})" if self.distinction else self.task

    @property
    def runs(self) -> tuple[RunResult, ...]:
        return tuple(run for series in self.series for run in series.runs)
