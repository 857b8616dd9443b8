"""Self-modeling compared with other objectives."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from keras_selfmodel.experiments import OBJECTIVES, SELF_MODELING
from keras_selfmodel.studies.study import Series, Study


@dataclass(frozen=True)
class Controls:
    """Studies that differ only in their objective.

    Attributes:
        self_modeling: The study of self-modeling, as in the paper.
        others: The others by objective, in the order of `experiments.OBJECTIVES`; at least one.
    """

    self_modeling: Study
    others: dict[str, Study]

    @property
    def studies(self) -> dict[str, Study]:
        """All by objective, self-modeling first."""
        return {SELF_MODELING: self.self_modeling, **self.others}

    def series(self, hidden: int) -> dict[str, Series]:
        """The networks of one size by objective, of those that have any."""
        found = {name: [s for s in study.series if s.hidden == hidden] for name, study in self.studies.items()}
        return {name: series[0] for name, series in found.items() if series}


def controls(studies: Sequence[Study]) -> list[Controls]:
    """Finds the studies that differ only in their objective.

    Args:
        studies: Studies, as found by `studies.studies_of`.

    Returns:
        One for each self-modeling study that has controls with the same settings, in their order.

    Example:

    >>> from keras_selfmodel import experiments, studies
    >>> for found in controls(studies.studies_of(experiments.finished_runs("runs"))):  # doctest: +SKIP
    ...     print(found.self_modeling.title, list(found.others))
    mnist ['weight-decay', 'dropout']
    """
    by_settings: dict[tuple, dict[str, Study]] = defaultdict(dict)
    for study in studies:
        by_settings[_shared(study)][study.objective] = study
    return [
        Controls(
            found[SELF_MODELING], {name: found[name] for name in OBJECTIVES if name in found and name != SELF_MODELING}
        )
        for found in by_settings.values()
        if SELF_MODELING in found and len(found) > 1
    ]


def _shared(study: Study) -> tuple:
    settings = frozenset((name, value) for name, value in study.settings.items() if name != "objective")
    return study.task, study.backend, settings
