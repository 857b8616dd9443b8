"""Collapsed networks: their auxiliary weight is so large that they no longer classify."""

from keras_selfmodel.experiments import RunResult
from keras_selfmodel.studies.study import Group, Series

# A network has collapsed if its accuracy lies so far below that of the baseline. The paper's collapsed networks lie
# 0.69 to 0.85 below it, and those that hold at most 0.04.
COLLAPSE = 0.20


def has_collapsed(run: RunResult, series: Series) -> bool:
    """Whether a run's accuracy lies 20 points or more below its series' baseline.

    A series without a baseline is judged by its most accurate group.
    """
    groups = [series.baseline] if series.baseline is not None else series.groups
    means = [interval.mean for group in groups if (interval := group.interval("accuracy")) is not None]
    return bool(means) and run.accuracy is not None and run.accuracy <= max(means) - COLLAPSE


def collapsed_runs(group: Group, series: Series) -> tuple[RunResult, ...]:
    """The runs of a group that have collapsed."""
    return tuple(run for run in group.runs if has_collapsed(run, series))


def standing(series: Series) -> tuple[Group, ...]:
    """The groups with AW > 0 of which no run has collapsed: those whose complexity can be compared."""
    return tuple(group for group in series.weighted if not collapsed_runs(group, series))


def fallen(series: Series) -> tuple[Group, ...]:
    """The groups with AW > 0 of which at least one run has collapsed."""
    return tuple(group for group in series.weighted if collapsed_runs(group, series))
