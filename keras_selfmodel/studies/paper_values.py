"""The paper's numbers compared with those of a study."""

from dataclasses import dataclass

from keras_selfmodel._number_texts import short_number
from keras_selfmodel.experiments import SELF_MODELING
from keras_selfmodel.experiments.paper import PaperFigures, paper_series
from keras_selfmodel.statistics.interval import Interval
from keras_selfmodel.studies.collapse import COLLAPSE
from keras_selfmodel.studies.measures import MEASURES, Measure
from keras_selfmodel.studies.study import Series, Study

# What the paper shows, and the claims about it.
PAPER_MEASURES = ("weight_spread", "rlct", "accuracy")
_MEASURE_OF_CLAIM = {
    "spread_falls": "weight_spread",
    "spread_fall_grows": "weight_spread",
    "rlct_falls": "rlct",
    "rlct_fall_grows": "rlct",
    "accuracy_kept": "accuracy",
}


@dataclass(frozen=True)
class PaperComparison:
    """One number of the paper compared with ours.

    Attributes:
        measure: What was measured.
        hidden: The size.
        aux_weight: The auxiliary weight.
        ours: Mean and interval of our runs.
        paper: What can be read off the paper's figure.
    """

    measure: Measure
    hidden: int
    aux_weight: float
    ours: Interval
    paper: float

    @property
    def difference(self) -> float:
        return self.ours.mean - self.paper

    @property
    def agrees(self) -> bool | None:
        """Whether the paper's value, as exactly as it can be read, meets our interval; `None` for a single seed.

        The paper's own scatter over its seeds is not in it, so a `False` may be chance.
        """
        if self.ours.half_width is None:
            return None
        return abs(self.difference) <= self.ours.half_width + (self.measure.reading_error or 0.0)


def paper_of(study: Study, series: Series) -> dict[float, PaperFigures]:
    """The paper's figures of a series by auxiliary weight; empty if its settings or data are not the paper's."""
    # A baseline with the paper's settings belongs to the study of every objective.
    if study.objective != SELF_MODELING or not any(run.paper is not None for run in series.runs):
        return {}
    return paper_series(study.task, series.hidden)


def paper_comparisons(study: Study) -> list[PaperComparison]:
    """Every number that both the paper and a study have, by size, measure and weight."""
    found = []
    for series in study.series:
        paper = paper_of(study, series)
        for name in PAPER_MEASURES:
            for group in series.groups:
                value = getattr(paper.get(group.aux_weight), name, None)
                ours = group.interval(name)
                if value is not None and ours is not None:
                    found.append(PaperComparison(MEASURES[name], series.hidden, group.aux_weight, ours, value))
    return found


def paper_text(claim: str, series: Series, paper: dict[float, PaperFigures]) -> str:
    """What the paper's figures say about a claim, in words; empty if they say nothing."""
    if claim == "collapse":
        return _collapses(paper)
    name = _MEASURE_OF_CLAIM[claim]
    values = {weight: getattr(figures, name) for weight, figures in paper.items()}
    there = {group.aux_weight for group in series.groups}
    shown = [
        f"{short_number(value, 6)} at AW {weight:g}"
        for weight, value in values.items()
        if value is not None and weight in there
    ]
    return ", ".join(shown)


def _collapses(paper: dict[float, PaperFigures]) -> str:
    # Of 128 units no accuracy was read off but that of the collapsed networks.
    baseline = (paper[0].accuracy if 0 in paper else None) or 1.0
    lost = [
        f"RLCT {short_number(figures.rlct, 6)} at AW {weight:g} (accuracy {figures.accuracy:g})"
        for weight, figures in paper.items()
        if figures.accuracy is not None and figures.accuracy <= baseline - COLLAPSE
    ]
    return ", ".join(lost) or ("no collapse" if paper else "")
