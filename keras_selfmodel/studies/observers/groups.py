"""Observed networks by auxiliary weight, compared with the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keras_selfmodel.experiments import SELF_MODELING
from keras_selfmodel.probes.observers.protocol import Question
from keras_selfmodel.statistics.differences import Difference, difference
from keras_selfmodel.statistics.interval import Interval, mean_interval
from keras_selfmodel.statistics.multiple_tests import holm
from keras_selfmodel.studies.collapse import collapsed_runs
from keras_selfmodel.studies.grouping import studies_of
from keras_selfmodel.studies.observers.observed_run import ObservedRun
from keras_selfmodel.studies.study import Group, Study


@dataclass(frozen=True)
class ObservedGroup:
    """Networks that differ only in their seeds, and one kind of observer.

    Attributes:
        study: Title of the study.
        objective: What they were trained on besides the task.
        hidden: Their hidden units.
        aux_weight: Their auxiliary weight, or the strength of another objective.
        question: What the observers predict from what.
        capacity: The observers' hidden units.
        error: Mean and 95 % interval over the seeds of `Observation.error`; `None` if no network has one.
        error_of_variance: The same of `Observation.error_of_variance`.
        counted_units: Mean number of units that count.
        networks: How many.
        constant: How many of them have no unit that counts, so that there is no error: they are left out of the means.
        collapsed: How many of them no longer classify (`studies.has_collapsed`).
        difference: How far the error lies from the baseline's; `None` for the baseline, without one, and if a network
            of the group has collapsed: those that are left are no fair sample, and a network that says one thing is
            easy to predict.
        p_holm: Holm's p value over all tests of the study.
    """

    study: str
    objective: str
    hidden: int
    aux_weight: float
    question: Question
    capacity: int
    error: Interval | None
    error_of_variance: Interval | None
    counted_units: float
    networks: int
    constant: int
    collapsed: int
    difference: Difference | None
    p_holm: float | None


def observed_groups(observed: Sequence[ObservedRun]) -> list[ObservedGroup]:
    """Means over the seeds, and self-modeling networks tested against the baseline of their size.

    Args:
        observed: Networks, all asked the same.

    Returns:
        By study, self-modeling before other objectives, size, question, capacity and auxiliary weight.

    Raises:
        ImportError: If SciPy is missing.
    """
    by_folder = {one.result.folder: one for one in observed}
    found = sorted(studies_of([one.result for one in observed]), key=lambda study: study.objective != SELF_MODELING)
    return [group for study in found for group in _with_holm(_groups_of(study, by_folder))]


def _groups_of(study: Study, by_folder: dict) -> list[ObservedGroup]:
    asked = [(one.question, one.capacity) for one in by_folder[study.runs[0].folder].observations]
    found = []
    for series in study.series:
        for question, capacity in asked:
            reference = errors_by_seed(series.baseline, by_folder, question, capacity) if series.baseline else {}
            for group in series.groups:
                values = errors_by_seed(group, by_folder, question, capacity)
                collapsed = len(collapsed_runs(group, series))
                tested = bool(group.aux_weight > 0 and values and reference and not collapsed)
                observations = _observations(group, by_folder, question, capacity)
                found.append(
                    ObservedGroup(
                        study=study.title,
                        objective=study.objective,
                        hidden=series.hidden,
                        aux_weight=group.aux_weight,
                        question=question,
                        capacity=capacity,
                        error=mean_interval(values.values()),
                        error_of_variance=mean_interval(
                            one.error_of_variance for one in observations.values() if one.error is not None
                        ),
                        counted_units=sum(one.counted_units for one in observations.values()) / len(observations),
                        networks=len(observations),
                        constant=len(observations) - len(values),
                        collapsed=collapsed,
                        difference=difference(values, reference) if tested else None,
                        p_holm=None,
                    )
                )
    return found


def _observations(group: Group, by_folder: dict, question: Question, capacity: int) -> dict:
    return {
        run.recipe.seed: one
        for run in group.runs
        for one in by_folder[run.folder].observations
        if (one.question, one.capacity) == (question, capacity)
    }


def errors_by_seed(group: Group, by_folder: dict, question: Question, capacity: int) -> dict[int, float]:
    """The errors of one kind of observer for the networks of a group that have one.

    Args:
        group: The networks.
        by_folder: What was observed, by the folder of the run.
        question: What the observers predict from what.
        capacity: Their hidden units.
    """
    found = _observations(group, by_folder, question, capacity)
    return {seed: one.error for seed, one in found.items() if one.error is not None}


def _with_holm(groups: list[ObservedGroup]) -> list[ObservedGroup]:
    tested = {
        id(group): group.difference.p
        for group in groups
        if group.difference is not None and group.difference.p is not None
    }
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    return [replace(group, p_holm=adjusted.get(id(group))) for group in groups]
