"""Numbers of tests in words."""

from collections.abc import Sequence

from keras_selfmodel.experiments import SELF_MODELING
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
    "−20.60 (−36 %, 95 % interval −22.10 … −19.10; paired t test, Holm p < 0.001, d_z = −12.3, n = 3)".
    """
    parts = [] if found.relative is None else [f"{100 * found.relative:+.0f} %".replace("-", "−")]
    estimate = found.estimate
    if estimate.half_width is not None:
        parts.append(
            f"95 % interval {measure.text(estimate.low, sign=True)} … {measure.text(estimate.high, sign=True)}"
        )
    test = [] if found.p is None else [f"{found.test} t test"]
    test += [] if p_holm is None else [p_text(p_holm, "Holm p")]
    test += [] if found.effect_size is None else [f"{found.effect_name} = {found.effect_size:.1f}".replace("-", "−")]
    test.append(f"n = {estimate.count}")
    return f"{measure.text(estimate.mean, sign=True)} ({', '.join(parts)}; {', '.join(test)})"
