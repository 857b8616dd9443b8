"""Whether self-modeling lowers a measure of complexity, and lowers it more at larger weights."""

from keras_selfmodel._number_texts import number_text
from keras_selfmodel.statistics.differences import Difference, difference
from keras_selfmodel.statistics.multiple_tests import holm
from keras_selfmodel.statistics.trend import Trend, spearman_trend
from keras_selfmodel.studies.claim import MATTERS, SIGNIFICANT, Answer, unknown
from keras_selfmodel.studies.collapse import fallen, standing
from keras_selfmodel.studies.comparison import Comparison
from keras_selfmodel.studies.measures import Measure
from keras_selfmodel.studies.study import Group, Series
from keras_selfmodel.studies.wording import difference_text, p_text, relative_text, unusable_text, weights_text

FALLS = (
    "Yes, if the mean at the largest auxiliary weight without collapsed networks is below the baseline's (t test, Holm "
    "p < 0.05), and at no smaller weight above it. No, if it is above at any weight (Holm p < 0.05), or if the 95 % "
    "interval at the largest weight excludes a decrease of 1 % or more."
)
GROWS = (
    "Yes, if the mean at the largest auxiliary weight without collapsed networks is below that at the smallest weight "
    "above 0 (t test, p < 0.05), and does not rise from any weight to the next (Holm p < 0.05). No, if it rises "
    "anywhere, or if the 95 % interval excludes a further decrease of 1 % or more of the value at the smallest weight. "
    "Spearman's ρ is computed over all runs with AW > 0."
)


def falls(series: Series, measure: Measure, compared: dict[tuple[str, int, float], Comparison]) -> Answer:
    """Whether self-modeling lowers a measure. The criterion is `FALLS`.

    Args:
        series: The networks of one size.
        measure: What is said to fall.
        compared: The comparisons of the study, as `all_comparisons` returns them.
    """
    missing = _missing(series, measure)
    if missing:
        return unknown(missing)
    groups = [group for group in standing(series) if (measure.name, series.hidden, group.aux_weight) in compared]
    if not groups:
        words = f"Every network with AW > 0 collapsed, or has no {measure.title} that can be used."
        return unknown(f"{words}{_left_out(series, measure)}")
    found = {group.aux_weight: compared[measure.name, series.hidden, group.aux_weight] for group in groups}
    strongest = found[max(found)]
    trend = _trend([*([series.baseline] if series.baseline else []), *groups], measure)
    evidence = {
        "by_aux_weight": [_comparison_values(one) for one in found.values()],
        "spearman": _trend_values(trend),
    }
    text = difference_text(measure, strongest.difference, strongest.p_holm)
    reason = f"At AW {max(found):g} the {measure.title} differs from the baseline's by {text}"
    left_out = _left_out(series, measure)
    if strongest.p_holm is None:
        return Answer(
            "not enough data",
            f"{reason}: a test needs at least two seeds at AW 0 and at this weight, and three "
            f"if all differ by the same.{left_out}",
            evidence,
        )
    if trend is not None:
        reason += f"; over all weights Spearman's ρ = {_rho(trend)}, {p_text(trend.p)}"
    risen = [weight for weight, one in found.items() if _above(one.difference, one.p_holm)]
    if risen:
        where = ", ".join(f"{weight:g}" for weight in risen)
        return Answer("no", f"{reason}{_but_above(strongest, found, risen, where)}{left_out}", evidence)
    if strongest.p_holm < SIGNIFICANT and strongest.difference.estimate.mean < 0:
        return Answer("yes", f"{reason}.{left_out}", evidence)
    if _excludes_a_fall(strongest.difference):
        return Answer("no", f"{reason}: a decrease of 1 % or more is excluded.{left_out}", evidence)
    return Answer("not enough data", f"{reason}: too uncertain to decide.{left_out}", evidence)


def _but_above(strongest: Comparison, found: dict[float, Comparison], risen: list[float], where: str) -> str:
    """Why a measure that rises at some weights is not said to fall, however low it is at the largest."""
    if strongest.difference.estimate.mean > 0:
        return f"; it is above the baseline at AW {where}."
    rises = (found[weight].difference.relative for weight in risen)
    shares = ", ".join(relative_text(rise) for rise in rises if rise is not None)
    return (
        f". The answer is no all the same: at AW {where} it is above the baseline ({shares}), and a fall must hold at "
        "every weight."
    )


def grows(series: Series, measure: Measure) -> Answer:
    """Whether a measure falls further as the auxiliary weight grows. The criterion is `GROWS`."""
    missing = _missing(series, measure)
    if missing:
        return unknown(missing)
    groups = [group for group in standing(series) if group.values(measure.name)]
    left_out = _left_out(series, measure)
    if len(groups) < 2:
        return unknown(f"At least two auxiliary weights above 0 without collapsed networks are needed.{left_out}")
    steps = [
        difference(later.values(measure.name), earlier.values(measure.name))
        for earlier, later in zip(groups, groups[1:], strict=False)
    ]
    whole = difference(groups[-1].values(measure.name), groups[0].values(measure.name))
    adjusted = iter(holm([step.p for step in steps if step.p is not None]))
    risen = [
        f"from AW {earlier.aux_weight:g} to {later.aux_weight:g}"
        for earlier, later, step in zip(groups, groups[1:], steps, strict=False)
        if step.p is not None and _above(step, next(adjusted))
    ]
    trend = _trend(groups, measure)
    evidence = {"last_against_first": difference_values(whole), "spearman": _trend_values(trend)}
    reason = (
        f"From AW {groups[0].aux_weight:g} to {groups[-1].aux_weight:g} the {measure.title} changes by "
        f"{difference_text(measure, whole, None)}"
    )
    if whole.p is None:
        return Answer(
            "not enough data",
            f"{reason}: a test needs at least two seeds at each, and three if all differ by the same.{left_out}",
            evidence,
        )
    reason += f", {p_text(whole.p)}"
    if trend is not None:
        reason += f"; Spearman's ρ = {_rho(trend)}, {p_text(trend.p)}"
    if risen:
        return Answer("no", f"{reason}; it rises {' and '.join(risen)}.{left_out}", evidence)
    if whole.p < SIGNIFICANT and whole.estimate.mean < 0:
        return Answer("yes", f"{reason}.{left_out}", evidence)
    if _excludes_a_fall(whole):
        return Answer("no", f"{reason}: a further decrease of 1 % or more is excluded.{left_out}", evidence)
    return Answer("not enough data", f"{reason}: too uncertain to decide.{left_out}", evidence)


def difference_values(found: Difference) -> dict:
    """A difference in plain values, for JSON."""
    return {
        "difference": found.estimate.mean,
        "low": found.estimate.low,
        "high": found.estimate.high,
        "seeds": found.estimate.count,
        "reference": found.reference,
        "relative": found.relative,
        "test": found.test,
        "p": found.p,
        "effect": found.effect_name,
        "effect_size": found.effect_size,
    }


def _comparison_values(one: Comparison) -> dict:
    return {"aux_weight": one.aux_weight, **difference_values(one.difference), "p_holm": one.p_holm}


def _missing(series: Series, measure: Measure) -> str:
    """What is missing for an answer, as a sentence; empty if nothing is missing."""
    if series.baseline is None:
        return "There are no runs with AW = 0 to compare with."
    if not series.weighted:
        return "There are no runs with AW > 0."
    left_out = unusable_text(series.groups, measure)
    if not left_out and not any(group.values(measure.name) for group in series.groups):
        return f"The {measure.title} was not measured."
    if not series.baseline.values(measure.name):
        return f"The baseline has no {measure.title} that can be used. {left_out}".rstrip()
    return ""


def _left_out(series: Series, measure: Measure) -> str:
    collapsed = fallen(series)
    groups = [group for group in series.groups if group not in collapsed]
    sentences = [f"{weights_text(collapsed)} left out, because networks collapsed there."] if collapsed else []
    return "".join(f" {sentence}" for sentence in (*sentences, unusable_text(groups, measure)) if sentence)


def _above(found: Difference, p: float | None) -> bool:
    return p is not None and p < SIGNIFICANT and found.estimate.mean > 0


def _excludes_a_fall(found: Difference) -> bool:
    return found.estimate.low is not None and found.estimate.low > -MATTERS * abs(found.reference)


def _trend(groups: list[Group], measure: Measure) -> Trend | None:
    pairs = [(group.aux_weight, value) for group in groups for value in group.values(measure.name).values()]
    return spearman_trend([weight for weight, _ in pairs], [value for _, value in pairs])


def _trend_values(trend: Trend | None) -> dict | None:
    return None if trend is None else {"rho": trend.rho, "p": trend.p, "runs": trend.count}


def _rho(trend: Trend) -> str:
    return number_text(trend.rho, 2)
