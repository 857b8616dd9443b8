"""Compressed self-modeling networks against the baseline, and against controls at the same accuracy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from keras_selfmodel.experiments import SELF_MODELING
from keras_selfmodel.statistics.differences import Difference, difference
from keras_selfmodel.statistics.interval import Interval
from keras_selfmodel.statistics.multiple_tests import holm
from keras_selfmodel.studies.claim import SIGNIFICANT, ClaimVerdict
from keras_selfmodel.studies.collapse import standing
from keras_selfmodel.studies.compared_objectives import controls
from keras_selfmodel.studies.compression.compressed_run import CompressedRun
from keras_selfmodel.studies.compression.groups import by_folder, compressed_studies, values_by_seed
from keras_selfmodel.studies.compression.measures import COMPRESSION_MEASURES, NETWORK_SIZES, CompressionMeasure
from keras_selfmodel.studies.matched_accuracy import matched_comparisons
from keras_selfmodel.studies.study import Group, Study

BASELINE = "baseline"
# A gain by less than this part of the reference is none.
WORTH = 0.05
# So many of the four sizes decide.
MOST_SIZES = 3


@dataclass(frozen=True)
class CompressionComparison:
    """Self-modeling networks of one size and auxiliary weight, and others.

    Attributes:
        study: Title of the study of self-modeling.
        measure: A name of `COMPRESSION_MEASURES`.
        hidden: The size.
        aux_weight: The auxiliary weight of self-modeling.
        reference: "baseline", or the control that is compared with at the same accuracy.
        seeds: Seeds of self-modeling networks that have the measure.
        reached: Of how many there is something to compare with.
        difference: Self-modeling minus the reference, in the measure's unit; `None` if a seed of either lacks it.
        p_holm: Holm's p value over all measures, weights, sizes and references of the study.
    """

    study: str
    measure: str
    hidden: int
    aux_weight: float
    reference: str
    seeds: int
    reached: int
    difference: Difference | None
    p_holm: float | None = None

    @property
    def verdict(self) -> Literal["better", "worse", "no difference found", "not enough data"]:
        """Whether self-modeling is better, at Holm p ≤ 0.05."""
        if self.difference is None or self.p_holm is None:
            return "not enough data"
        if self.p_holm > SIGNIFICANT:
            return "no difference found"
        return "better" if COMPRESSION_MEASURES[self.measure].sign * self.difference.estimate.mean < 0 else "worse"

    @property
    def excludes_a_gain(self) -> bool:
        """Whether the 95 % interval excludes that self-modeling is better by 5 % of the reference."""
        if self.difference is None or self.difference.estimate.half_width is None:
            return False
        estimate = self.difference.estimate
        best = COMPRESSION_MEASURES[self.measure].sign * estimate.mean - (estimate.half_width or 0.0)
        return best > -WORTH * abs(self.difference.reference)


@dataclass(frozen=True)
class EfficiencyVerdict:
    """Whether self-modeling networks of one size and auxiliary weight are more parameter-efficient.

    Attributes:
        study, hidden, aux_weight, reference: As in `CompressionComparison`.
        verdict: "yes": three or four of the four sizes are smaller, and none is larger. "no": one is larger, or the
            intervals of three or four exclude a gain of 5 %. "not enough data": otherwise.
        smaller: Names of the sizes that are smaller.
        larger: Names of the sizes that are larger.
    """

    study: str
    hidden: int
    aux_weight: float
    reference: str
    verdict: ClaimVerdict
    smaller: tuple[str, ...]
    larger: tuple[str, ...]


def compression_comparisons(found: Sequence[CompressedRun]) -> list[CompressionComparison]:
    """Compares self-modeling with the baseline, paired by seed, and with every control at the same accuracy.

    Groups of which a network has collapsed are left out. Holm's correction is over all comparisons of a study.

    Args:
        found: Compressed networks.

    Returns:
        By study, size, auxiliary weight, reference and measure.

    Raises:
        ImportError: If SciPy is missing.
    """
    folders, studies = by_folder(found), compressed_studies(found)
    beside = {one.self_modeling.title: one for one in controls(studies)}
    compared = []
    for study in studies:
        if study.objective != SELF_MODELING:
            continue
        family = [one for measure in COMPRESSION_MEASURES.values() for one in _with_baseline(study, folders, measure)]
        if study.title in beside:
            for measure in COMPRESSION_MEASURES.values():
                costs = partial(_costs, folders=folders, measure=measure)
                matched = matched_comparisons(beside[study.title], measure.name, costs)
                family += [
                    CompressionComparison(
                        study=study.title,
                        measure=measure.name,
                        hidden=one.hidden,
                        aux_weight=one.aux_weight,
                        reference=one.control,
                        seeds=one.seeds,
                        reached=one.reached,
                        difference=None if one.difference is None else _times(measure.sign, one.difference),
                    )
                    for one in matched
                ]
        order = {name: place for place, name in enumerate(dict.fromkeys(one.reference for one in family))}
        family.sort(key=lambda one: (one.hidden, one.aux_weight, order[one.reference]))
        compared += _with_holm(family)
    return compared


def efficiency_verdicts(compared: Sequence[CompressionComparison]) -> list[EfficiencyVerdict]:
    """Judges "more parameter-efficient" for each size, auxiliary weight and reference."""
    places = dict.fromkeys((one.study, one.hidden, one.aux_weight, one.reference) for one in compared)
    return [
        _judged(
            place,
            [
                one
                for one in compared
                if (one.study, one.hidden, one.aux_weight, one.reference) == place and one.measure in NETWORK_SIZES
            ],
        )
        for place in places
    ]


def _judged(place: tuple, sizes: list[CompressionComparison]) -> EfficiencyVerdict:
    smaller = tuple(one.measure for one in sizes if one.verdict == "better")
    larger = tuple(one.measure for one in sizes if one.verdict == "worse")
    verdict: ClaimVerdict = "not enough data"
    if larger or sum(one.excludes_a_gain for one in sizes) >= MOST_SIZES:
        verdict = "no"
    elif len(smaller) >= MOST_SIZES:
        verdict = "yes"
    study, hidden, aux_weight, reference = place
    return EfficiencyVerdict(study, hidden, aux_weight, reference, verdict, smaller, larger)


def _with_baseline(
    study: Study, folders: Mapping[Path, CompressedRun], measure: CompressionMeasure
) -> Iterator[CompressionComparison]:
    for series in study.series:
        if series.baseline is None:
            continue
        reference = values_by_seed(series.baseline, folders, measure)
        for group in standing(series):
            values = values_by_seed(group, folders, measure)
            whole = len(values) == len(group.runs) > 1 and len(reference) == len(series.baseline.runs) > 1
            yield CompressionComparison(
                study=study.title,
                measure=measure.name,
                hidden=series.hidden,
                aux_weight=group.aux_weight,
                reference=BASELINE,
                seeds=len(values),
                reached=len(reference),
                difference=difference(values, reference) if whole else None,
            )


def _costs(group: Group, folders: Mapping[Path, CompressedRun], measure: CompressionMeasure) -> dict[int, float]:
    """The measure as `matched_comparisons` wants it, which takes a control's lowest value for its best."""
    return {seed: measure.sign * value for seed, value in values_by_seed(group, folders, measure).items()}


def _times(sign: int, found: Difference) -> Difference:
    estimate = Interval(sign * found.estimate.mean, found.estimate.half_width, found.estimate.count)
    effect = None if found.effect_size is None else sign * found.effect_size
    return replace(found, estimate=estimate, effect_size=effect, reference=sign * found.reference)


def _with_holm(family: list[CompressionComparison]) -> list[CompressionComparison]:
    tested = {n: one.difference.p for n, one in enumerate(family) if one.difference and one.difference.p is not None}
    for place, p in zip(tested, holm(list(tested.values())), strict=True):
        family[place] = replace(family[place], p_holm=p)
    return family
