"""Numbers of tests in words."""

from collections.abc import Sequence

from keras_selfmodel._number_texts import NOTHING, number_text, with_error
from keras_selfmodel.experiments import SELF_MODELING
from keras_selfmodel.statistics import Interval, RankCorrelation
from keras_selfmodel.statistics.differences import Difference
from keras_selfmodel.studies.measures import Measure
from keras_selfmodel.studies.study import Group


def p_text(p: float, name: str = "p") -> str:
    """A p value as people read it.

    Example:

    >>> p_text(0.0123), p_text(1e-9), p_text(1.0, "Holm p")
    ('p = 0.012', 'p < 0.001', 'Holm p = 1')
    """
    return f"{name} < 0.001" if p < 0.001 else f"{name} = {p:.2g}"


def interval_text(interval: Interval | None, digits: int, *, factor: float = 1.0, sign: bool = False) -> str:
    """A mean with half its 95 % interval, such as "−3.10 ± 0.80"; "–" if there is none.

    Args:
        interval: Mean and interval.
        digits: Decimal places.
        factor: What they are multiplied by.
        sign: Whether a plus sign is written too.
    """
    if interval is None:
        return NOTHING
    half = None if interval.half_width is None else factor * interval.half_width
    return with_error(factor * interval.mean, half, digits, sign=sign)


def relative_text(relative: float) -> str:
    """A difference as a part of what it is compared with, such as "−36.0 %"."""
    return f"{number_text(100 * relative, 1, sign=True)} %"


def effect_text(name: str, size: float) -> str:
    """An effect size, such as "d_z = −12.30"."""
    return f"{name} = {number_text(size, 2)}"


def correlation_text(found: RankCorrelation) -> str:
    """Spearman's ρ with its 95 % interval, such as "+0.53 [+0.10, +0.80]"."""
    rho, low, high = (number_text(one, 2, sign=True) for one in (found.rho, found.low, found.high))
    return f"{rho} [{low}, {high}]"


def strength_name(objective: str) -> str:
    """What people call the `aux_weight` of an objective."""
    return "AW" if objective == SELF_MODELING else "strength"


def weights_text(groups: Sequence[Group]) -> str:
    """Their auxiliary weights in words, such as "AW 20 and 50"."""
    names = [f"{group.aux_weight:g}" for group in groups]
    return "AW " + (" and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0])


def unusable_text(groups: Sequence[Group], measure: Measure) -> str:
    """A sentence about the estimates that are left out, such as
    "2 estimates of the RLCT that are not to be used are left out (AW 0: seed 3; AW 10: seed 1)."; empty if none are.
    """
    seeds = {group.aux_weight: [run.recipe.seed for run in group.unusable(measure.name)] for group in groups}
    where = [
        f"AW {weight:g}: seed{'' if len(found) == 1 else 's'} {', '.join(map(str, found))}"
        for weight, found in seeds.items()
        if found
    ]
    number = sum(map(len, seeds.values()))
    if not number:
        return ""
    what, verb = ("estimate", "is") if number == 1 else ("estimates", "are")
    return f"{number} {what} of the {measure.title} that {verb} not to be used {verb} left out ({'; '.join(where)})."


def difference_text(measure: Measure, found: Difference, p_holm: float | None) -> str:
    """A difference with interval, test and effect size, such as
    "−20.60 (−36.0 %, 95 % interval −22.10 … −19.10; paired t test, Holm p < 0.001, d_z = −12.30, n = 3)".
    """
    parts = [] if found.relative is None else [relative_text(found.relative)]
    estimate = found.estimate
    if estimate.half_width is not None:
        parts.append(
            f"95 % interval {measure.text(estimate.low, sign=True)} … {measure.text(estimate.high, sign=True)}"
        )
    test = [] if found.p is None else [f"{found.test} t test"]
    test += [] if p_holm is None else [p_text(p_holm, "Holm p")]
    test += [] if found.effect_size is None else [effect_text(found.effect_name, found.effect_size)]
    test.append(f"n = {estimate.count}")
    return f"{measure.text(estimate.mean, sign=True)} ({', '.join(parts)}; {', '.join(test)})"
