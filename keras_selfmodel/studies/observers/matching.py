"""Observers of self-modeling networks compared with those of other regularizers, at the same accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass

from keras_selfmodel.probes.observers.protocol import Question
from keras_selfmodel.studies.compared_objectives import Controls, controls
from keras_selfmodel.studies.grouping import studies_of
from keras_selfmodel.studies.matched_accuracy import MatchedComparison, matched_comparisons
from keras_selfmodel.studies.observers.groups import errors_by_seed
from keras_selfmodel.studies.observers.observed_run import ObservedRun


@dataclass(frozen=True)
class MatchedObservers:
    """Observers of one kind, of self-modeling networks and of controls.

    Attributes:
        study: Title of the study of self-modeling.
        question: What the observers predict from what.
        capacity: Their hidden units.
        comparisons: Self-modeling's error minus the control's at the same accuracy, by size, auxiliary weight and
            control; Holm's correction is over all of them.
    """

    study: str
    question: Question
    capacity: int
    comparisons: tuple[MatchedComparison, ...]


def matched_observers(observed: Sequence[ObservedRun]) -> list[MatchedObservers]:
    """Asks whether self-modeling networks are easier to predict than others that classify equally well.

    A less accurate network may be easier to predict because its function is simpler. Here `matched_comparisons` is made
    of the observers' errors, so that only what accuracy does not explain is left.

    Args:
        observed: Networks, all asked the same, those of other objectives among them.

    Returns:
        By study, question and capacity; nothing without networks of other objectives.

    Raises:
        ImportError: If SciPy is missing.

    Example:

    >>> observed = observe_runs(experiments.finished_runs("sweeps/mnist"), dataset, "observer")  # doctest: +SKIP
    >>> [(one.control, one.verdict) for one in matched_observers(observed)[0].comparisons]  # doctest: +SKIP
    [('weight-decay', 'no difference found'), ('dropout', 'lower')]
    """
    by_folder = {one.result.folder: one for one in observed}
    return [
        _matched(found, question, capacity, by_folder)
        for found in controls(studies_of([one.result for one in observed]))
        for question, capacity in dict.fromkeys(
            (one.question, one.capacity) for one in by_folder[found.self_modeling.runs[0].folder].observations
        )
    ]


def _matched(found: Controls, question: Question, capacity: int, by_folder: dict) -> MatchedObservers:
    compared = matched_comparisons(
        found, f"{question}, capacity {capacity}", lambda group: errors_by_seed(group, by_folder, question, capacity)
    )
    return MatchedObservers(found.self_modeling.title, question, capacity, tuple(compared))
