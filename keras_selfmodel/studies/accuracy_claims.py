"""Does self-modeling leave the accuracy alone, until it overwhelms the network?"""

from keras_selfmodel._number_texts import number_text
from keras_selfmodel.statistics.interval import mean_interval
from keras_selfmodel.studies.claim import Answer, unknown
from keras_selfmodel.studies.collapse import collapsed_runs, fallen, standing
from keras_selfmodel.studies.comparison import Comparison
from keras_selfmodel.studies.complexity_claims import difference_values
from keras_selfmodel.studies.measures import MEASURES
from keras_selfmodel.studies.study import Series
from keras_selfmodel.studies.wording import unusable_text, weights_text

# "About a point": what rounds to one.
ABOUT_A_POINT = 0.015
# "Near zero": within this part of the baseline's RLCT.
NEAR_ZERO = 0.10

KEPT = (
    "Yes, if at every auxiliary weight without collapsed networks the 95 % interval of the difference from the "
    "baseline's accuracy lies above −1.5 points (which rounds to one point). No, if at any weight it lies entirely "
    "below."
)
COLLAPSES = (
    "A network has collapsed if its accuracy lies 20 points or more below the baseline's. Yes, if at every weight with "
    "at least two collapsed networks the 95 % interval of their mean RLCT lies below a tenth of the baseline's. No, if "
    "at any weight it lies entirely above."
)


def accuracy_is_kept(series: Series, compared: dict[tuple[str, int, float], Comparison]) -> Answer:
    """Whether the accuracy stays within about a point of the baseline's. The criterion is `KEPT`."""
    if series.baseline is None:
        return unknown("There are no runs with AW = 0 to compare with.")
    if not series.weighted:
        return unknown("There are no runs with AW > 0.")
    groups = standing(series)
    left_out = f" {weights_text(fallen(series))} left out, because networks collapsed there." if fallen(series) else ""
    if not groups:
        return unknown("Every network with AW > 0 collapsed.")
    found = [compared["accuracy", series.hidden, group.aux_weight] for group in groups]
    evidence = {
        "by_aux_weight": [
            {"aux_weight": one.aux_weight, **difference_values(one.difference), "p_holm": one.p_holm} for one in found
        ]
    }
    worst = min(found, key=lambda one: one.difference.estimate.mean)
    estimate = worst.difference.estimate
    reason = f"The worst change of accuracy is {_points(estimate.mean)} points, at AW {worst.aux_weight:g}"
    if any(one.difference.estimate.half_width is None for one in found):
        return Answer(
            "not enough data",
            f"{reason}: an interval needs at least two seeds, and three if all differ by the same.{left_out}",
            evidence,
        )
    reason += f" (95 % interval {_points(estimate.low)} … {_points(estimate.high)}, n = {estimate.count})"
    lost = [one for one in found if (high := one.difference.estimate.high) is not None and high < -ABOUT_A_POINT]
    if lost:
        where = ", ".join(f"{one.aux_weight:g}" for one in lost)
        return Answer("no", f"{reason}; the loss is more than about one point at AW {where}.{left_out}", evidence)
    if all((low := one.difference.estimate.low) is not None and low >= -ABOUT_A_POINT for one in found):
        return Answer("yes", f"{reason}.{left_out}", evidence)
    return Answer("not enough data", f"{reason}: too uncertain to decide.{left_out}", evidence)


def collapse_shows_in_the_rlct(series: Series) -> Answer:
    """Whether networks that collapse have an RLCT near or below zero. The criterion is `COLLAPSES`."""
    groups = fallen(series)
    if not groups:
        return unknown("No network of this size collapsed, so there is nothing to check.")
    if series.baseline is None or (baseline := series.baseline.interval("rlct")) is None:
        missing = f"Networks collapsed at {weights_text(groups)}, but no baseline has an RLCT that can be used."
        left_out = "" if series.baseline is None else unusable_text([series.baseline], MEASURES["rlct"])
        return unknown(f"{missing} {left_out}".rstrip())
    limit = NEAR_ZERO * abs(baseline.mean)
    sentences, found = [], []
    for group in groups:
        runs = collapsed_runs(group, series)
        interval = mean_interval(value for run in runs if (value := run.number("rlct")) is not None)
        words = f"{len(runs)} of {len(group.runs)} networks collapsed at AW {group.aux_weight:g}"
        if interval is None:
            words += ", without an RLCT that can be used"
        elif interval.half_width is None:
            words += f", RLCT {_rlct(interval.mean)}"
        else:
            words += f", RLCT {_rlct(interval.mean)} (95 % interval {_rlct(interval.low)} … {_rlct(interval.high)})"
            found.append(interval)
        sentences.append(words)
    left_out = unusable_text([series.baseline, *groups], MEASURES["rlct"])
    sentence = f"{'; '.join(sentences)}; a tenth of the baseline's is {_rlct(limit)}. {left_out}".rstrip()
    evidence = {
        "baseline_rlct": baseline.mean,
        "collapsed": [
            {
                "aux_weight": group.aux_weight,
                "networks": len(group.runs),
                "collapsed": len(collapsed_runs(group, series)),
                "rlct": [run.number("rlct") for run in collapsed_runs(group, series)],
            }
            for group in groups
        ],
    }
    if any(interval.low is not None and interval.low > limit for interval in found):
        return Answer("no", sentence, evidence)
    if found and all(interval.high is not None and interval.high < limit for interval in found):
        return Answer("yes", sentence, evidence)
    return Answer("not enough data", sentence, evidence)


def _points(fraction: float | None) -> str:
    return number_text(None if fraction is None else 100 * fraction, 2, sign=True)


def _rlct(value: float | None) -> str:
    return MEASURES["rlct"].text(value)
