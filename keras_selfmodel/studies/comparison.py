"""Every auxiliary weight of a study against its baseline."""

from dataclasses import dataclass

from keras_selfmodel.statistics.differences import Difference, difference
from keras_selfmodel.statistics.multiple_tests import holm
from keras_selfmodel.studies.measures import MEASURES
from keras_selfmodel.studies.study import Study


@dataclass(frozen=True)
class Comparison:
    """Self-modeling networks of one size and auxiliary weight against those without self-modeling.

    Attributes:
        measure: What is compared.
        hidden: The size.
        aux_weight: The weight, > 0.
        difference: How far they lie from the baseline.
        p_holm: Holm's p value over the family: all comparisons of this measure in the study, which are all its sizes
            and auxiliary weights. `None` where there is no test.
    """

    measure: str
    hidden: int
    aux_weight: float
    difference: Difference
    p_holm: float | None


def comparisons(study: Study, measure: str) -> list[Comparison]:
    """Tests every auxiliary weight of a study against the baseline of the same size.

    Args:
        study: The runs.
        measure: A name of `MEASURES`.

    Returns:
        By size and weight. Sizes without a baseline, and groups none of whose runs has the measure, are left out.

    Raises:
        ImportError: If SciPy is missing.
    """
    found = []
    for series in study.series:
        reference = {} if series.baseline is None else series.baseline.values(measure)
        for group in series.weighted:
            values = group.values(measure)
            if values and reference:
                found.append((series.hidden, group.aux_weight, difference(values, reference)))
    family = [difference.p for *_, difference in found if difference.p is not None]
    adjusted = iter(holm(family))
    return [
        Comparison(measure, hidden, aux_weight, found_one, None if found_one.p is None else next(adjusted))
        for hidden, aux_weight, found_one in found
    ]


def all_comparisons(study: Study) -> dict[tuple[str, int, float], Comparison]:
    """The comparisons of every measure, by measure, size and weight."""
    return {
        (one.measure, one.hidden, one.aux_weight): one for measure in MEASURES for one in comparisons(study, measure)
    }
