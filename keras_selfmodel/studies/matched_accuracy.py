"""Self-modeling compared with other objectives at the same accuracy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from keras_selfmodel.statistics.differences import Difference, difference
from keras_selfmodel.statistics.frontier import lowest_at
from keras_selfmodel.statistics.multiple_tests import holm
from keras_selfmodel.studies.claim import SIGNIFICANT
from keras_selfmodel.studies.collapse import standing
from keras_selfmodel.studies.compared_objectives import Controls
from keras_selfmodel.studies.study import Group, Series

MATCHED = ("rlct", "rlct_descended", "weight_spread")
"""Measures that are compared at the same accuracy."""

METHOD = (
    "Each self-modeling network is compared with what the control reaches, from the same seed, at the accuracy of that "
    "very network: the lowest value on the straight lines between its strengths, the baseline first. Differences are "
    "self-modeling minus control: below zero, self-modeling makes the simpler network at the same accuracy. Paired t "
    "tests over the seeds; Holm's correction is over all controls, weights and sizes of one measure. There is not "
    "enough data where the accuracy lies outside what the control reaches with any seed, where the strengths around it "
    "lie more than 5 points of accuracy apart, and with one seed. Collapsed groups of self-modeling are left out, and "
    "estimates that are not to be used."
)
"""How objectives are compared at the same accuracy, in words."""


@dataclass(frozen=True)
class MatchedComparison:
    """Self-modeling networks of one size and auxiliary weight against a control at their accuracy.

    Attributes:
        measure: What is compared: a name of `MATCHED`, or one of the caller's.
        hidden: The size.
        aux_weight: The auxiliary weight of self-modeling.
        control: Name of the other objective.
        seeds: Seeds of the self-modeling networks that have the measure.
        reached: At how many of them the control reaches the accuracy.
        difference: Self-modeling minus control; `None` unless the control reaches the accuracy at every seed, of which
            there are two or more.
        p_holm: Holm's p value over all comparisons of the measure; `None` without a difference.
    """

    measure: str
    hidden: int
    aux_weight: float
    control: str
    seeds: int
    reached: int
    difference: Difference | None
    p_holm: float | None

    @property
    def verdict(self) -> Literal["lower", "higher", "no difference found", "not enough data"]:
        """Whether the measure of self-modeling is lower or higher than that of the control, at Holm p ≤ 0.05."""
        if self.difference is None or self.p_holm is None:
            return "not enough data"
        if self.p_holm > SIGNIFICANT:
            return "no difference found"
        return "lower" if self.difference.estimate.mean < 0 else "higher"

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        found = self.difference
        return {
            **{name: getattr(self, name) for name in ("measure", "hidden", "aux_weight", "control")},
            **{name: getattr(self, name) for name in ("seeds", "reached", "verdict", "p_holm")},
            "difference": None if found is None else found.estimate.mean,
            "half_width": None if found is None else found.estimate.half_width,
            "control_mean": None if found is None else found.reference,
            "p": None if found is None else found.p,
        }


def matched_comparisons(
    found: Controls, measure: str, values: Callable[[Group], dict[int, float]] | None = None
) -> list[MatchedComparison]:
    """Compares self-modeling with every control at the accuracy of every auxiliary weight, by the `METHOD`.

    Args:
        found: The studies.
        measure: A name of `MATCHED`; any name if `values` are given.
        values: Maps a group to what is compared, by seed; `None` for the measure of that name.

    Returns:
        By size, auxiliary weight and control.

    Raises:
        ImportError: If SciPy is missing.
    """
    values = values or (lambda group: group.values(measure))
    pairs = [
        (group, control, series)
        for ours in found.self_modeling.series
        for group in standing(ours)
        for control, series in found.series(ours.hidden).items()
        if series is not ours and values(group)
    ]
    matched = [_matched(group, series, values) for group, _, series in pairs]
    p_values = [None if compared is None else compared.p for _, _, compared in matched]
    family = iter(holm([p for p in p_values if p is not None]))
    return [
        MatchedComparison(
            measure,
            series.hidden,
            group.aux_weight,
            control,
            seeds,
            reached,
            compared,
            p_holm=None if p is None else next(family),
        )
        for (group, control, series), (seeds, reached, compared), p in zip(pairs, matched, p_values, strict=True)
    ]


def _matched(group: Group, control: Series, values: Callable) -> tuple[int, int, Difference | None]:
    ours, accuracies = values(group), group.values("accuracy")
    of_control = [(each.values("accuracy"), values(each)) for each in control.groups]
    other = {}
    for seed in ours:
        points = [(reached[seed], there[seed]) for reached, there in of_control if seed in reached and seed in there]
        value = lowest_at(accuracies[seed], points) if seed in accuracies else None
        if value is not None:
            other[seed] = value
    # A part of the seeds would be a choice of those where the control does well, or badly.
    enough = len(ours) > 1 and len(other) == len(ours)
    return len(ours), len(other), difference(ours, other) if enough else None
