"""What `ksm controls` prints: means of every objective, and the comparison at the same accuracy."""

from collections.abc import Iterator

from rich import box
from rich.table import Table

from keras_selfmodel.experiments import find_objective
from keras_selfmodel.studies import (
    MATCHED,
    MEASURES,
    Controls,
    Group,
    MatchedComparison,
    collapsed_runs,
    matched_comparisons,
)
from keras_selfmodel.studies.wording import interval_text
from ksm_cli.estimates import LEFT_OUT, MARK

# Number of auxiliary weights that fit 80 columns next to a control's name; the spread has more digits.
WEIGHTS = {"rlct": 3, "rlct_descended": 3, "weight_spread": 2}
# What is shown of a group, with a factor and the decimal places that its interval deserves.
SCALES = {"accuracy": (100, 2), "weight_spread": (1, 4), "rlct": (1, 1), "rlct_descended": (1, 1)}
TITLES = {"accuracy": "accuracy / %", "weight_spread": "spread", "rlct": "RLCT", "rlct_descended": "after descent"}
# Wide enough for titles and captions.
WIDTH = 78
CELL_PADDING = (0, 1, 0, 0)


def control_tables(found: Controls) -> Iterator[Table]:
    """For each size and objective a table of its strengths: means and 95 % intervals over the seeds."""
    for series in found.self_modeling.series:
        for name, its in found.series(series.hidden).items():
            title = f"H = {series.hidden}, {name}: {find_objective(name).description}"
            table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=CELL_PADDING, min_width=WIDTH)
            for column in ("strength", "n", *TITLES.values()):
                table.add_column(column, justify="right")
            for group in its.groups:
                lost = "*" if group.aux_weight and collapsed_runs(group, its) else ""
                table.add_row(
                    f"{group.aux_weight:g}{lost}", str(len(group.runs)), *(_mean(group, name) for name in SCALES)
                )
            collapsed = any(group.aux_weight and collapsed_runs(group, its) for group in its.groups)
            unusable = any(group.unusable(name) for group in its.groups for name in SCALES)
            notes = ["* networks collapsed"] * collapsed + [LEFT_OUT] * unusable
            table.caption, table.caption_justify = "; ".join(notes) or None, "left"
            yield table


def matched_tables(found: Controls) -> Iterator[Table]:
    """For each size and measure the differences to every control, at the accuracy of each auxiliary weight."""
    for name in MATCHED:
        compared = matched_comparisons(found, name)
        if not any(one.seeds for one in compared):
            continue
        for series in found.self_modeling.series:
            of_size = [one for one in compared if one.hidden == series.hidden]
            weights = sorted({one.aux_weight for one in of_size})
            for start in range(0, len(weights), WEIGHTS[name]):
                yield matched_table(
                    f"H = {series.hidden}, {MEASURES[name].title}: self-modeling minus control at the same accuracy",
                    of_size,
                    weights[start : start + WEIGHTS[name]],
                    SCALES[name][1],
                )


def matched_table(title: str, compared: list[MatchedComparison], weights: list[float], digits: int) -> Table:
    """The differences to every control at the same accuracy.

    Args:
        title: What is compared.
        compared: The comparisons.
        weights: The auxiliary weights shown.
        digits: Decimal places worth showing.
    """
    cells = {(one.control, one.aux_weight): one for one in compared}
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE,
        padding=CELL_PADDING,
        min_width=WIDTH,
        caption="± 95 % interval, paired by seed; * Holm p ≤ 0.05; – not enough data",
        caption_justify="left",
    )
    table.add_column("control")
    for weight in weights:
        table.add_column(f"AW {weight:g}", justify="right", min_width=8)
    for control in dict.fromkeys(one.control for one in compared):
        table.add_row(control, *(_difference(cells.get((control, weight)), digits) for weight in weights))
    return table


def _mean(group: Group, name: str) -> str:
    interval = group.interval(name)
    mark = MARK if group.unusable(name) else ""
    factor, digits = SCALES[name]
    return interval_text(interval, digits, factor=factor) + mark


def _difference(one: MatchedComparison | None, digits: int) -> str:
    if one is None or one.difference is None:
        return "–"
    return interval_text(one.difference.estimate, digits, sign=True) + (
        "*" if one.verdict in ("lower", "higher") else ""
    )
