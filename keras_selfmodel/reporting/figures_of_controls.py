"""The frontier between accuracy and complexity: self-modeling and its controls."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_selfmodel._curve_styles import CurveStyle
from keras_selfmodel.experiments import SELF_MODELING, find_objective
from keras_selfmodel.reporting.crosses import cross_out
from keras_selfmodel.reporting.drawing_of_panels import AXES, rlct_label
from keras_selfmodel.reporting.interval_bars import bars
from keras_selfmodel.reporting.styles_of_objectives import objective_style
from keras_selfmodel.studies import Controls, Series, collapsed_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# What stands against the accuracy, row by row; and the controls of each column.
MEASURES_SHOWN = ("rlct", "weight_spread")
COLUMNS = {
    "regularizer": "Classical regularizers",
    "other target": "Predicting something else",
    "self-model": "Other self-models",
}
CONTROL_PANEL_SIZE = (3.9, 3.1)


def control_figures(found: Sequence[Controls]) -> dict:
    """Draws RLCT and weight spread against the accuracy, one figure for each size of networks.

    A curve goes from the baseline through the strengths of one objective; its points are means, with 95 % intervals of
    Student's t over the seeds both ways. Groups in which networks collapsed are left out. Self-modeling is in every
    column; each has its own axes, because regularizers reach far beyond what self-models differ by.

    Args:
        found: What `studies.controls` found.

    Returns:
        A `matplotlib.figure.Figure` by name, such as "controls-mnist-hidden64".

    Raises:
        ImportError: If matplotlib or SciPy is missing.
    """
    figures: dict = {}
    for one in found:
        for series in one.self_modeling.series:
            name = f"controls-{one.self_modeling.task}-hidden{series.hidden}"
            if len({other.self_modeling.backend for other in found}) > 1:
                name += f"-{one.self_modeling.backend}"
            taken = sum(other.removesuffix(f"-{i}") == name for i, other in enumerate(figures, 1))
            figures[f"{name}-{taken + 1}" if taken else name] = frontier_figure(one, series.hidden)
    return figures


def frontier_figure(found: Controls, hidden: int) -> "Figure":
    """The figure of one size of networks, as a `matplotlib.figure.Figure`."""
    from matplotlib.figure import Figure

    by_objective = found.series(hidden)
    kinds = [kind for kind in COLUMNS if _of_kind(by_objective, kind)]
    rows = [name for name in MEASURES_SHOWN if any(g.interval(name) for s in by_objective.values() for g in s.groups)]
    size = (len(kinds) * CONTROL_PANEL_SIZE[0], len(rows) * CONTROL_PANEL_SIZE[1] + 1.6)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(
        f"{found.self_modeling.title}, H = {hidden}\n"
        "means and 95 % intervals; star: baseline; ×: an RLCT not to be used, left out; each column has its own axes",
        fontsize="medium",
    )
    panels = figure.subplots(len(rows), len(kinds), squeeze=False, sharex="col")
    for row, name in enumerate(rows):
        for column, kind in enumerate(kinds):
            axes = panels[row][column]
            drawn = {SELF_MODELING: by_objective[SELF_MODELING], **_of_kind(by_objective, kind)}
            for objective, series in drawn.items():
                _draw_curve(axes, series, name, objective_style(objective), objective)
            cross_out(axes, [point for series in drawn.values() for point in _unusable(series, name)])
            _finish(axes, last=row == len(rows) - 1)
            if row == 0:
                axes.set_title(COLUMNS[kind], loc="left", fontsize="small")
            if column == 0:
                axes.set_ylabel(rlct_label(found.self_modeling) if name == "rlct" else AXES[name][1], fontsize="small")
    return figure


def _of_kind(by_objective: dict[str, Series], kind: str) -> dict[str, Series]:
    return {
        name: series
        for name, series in by_objective.items()
        if name != SELF_MODELING and find_objective(name).kind == kind
    }


def _draw_curve(axes: "Axes", series: Series, name: str, style: CurveStyle, label: str) -> None:
    factor = AXES["accuracy"][0]
    points = [
        (accuracy, value, group.aux_weight)
        for group in series.groups
        if not (group.aux_weight and collapsed_runs(group, series))
        and (accuracy := group.interval("accuracy")) is not None
        and (value := group.interval(name)) is not None
    ]
    # The baseline's bars, which all curves share, are drawn with the first.
    barred = [label == SELF_MODELING or weight > 0 for _, _, weight in points]
    axes.errorbar(
        [factor * accuracy.mean for accuracy, _, _ in points],
        [value.mean for _, value, _ in points],
        bars(name, [value for _, value, _ in points]) * barred,
        bars("accuracy", [accuracy for accuracy, _, _ in points], factor) * barred,
        label=label,
        zorder=3 if label == SELF_MODELING else 2,
        color=style.color,
        marker=style.marker,
        linestyle=style.linestyle,
        linewidth=1.3,
        markersize=4.5,
        elinewidth=0.6,
    )
    baseline = [(factor * accuracy.mean, value.mean) for accuracy, value, weight in points if weight == 0]
    if baseline:
        look: dict[str, Any] = {"marker": "*", "markersize": 9, "color": "black", "linestyle": "none", "zorder": 5}
        axes.plot(*zip(*baseline, strict=True), gid="baseline", **look)


def _unusable(series: Series, name: str) -> list[tuple[float, float]]:
    return [
        (AXES["accuracy"][0] * run.accuracy, estimate.value)
        for group in series.groups
        if not (group.aux_weight and collapsed_runs(group, series))
        for run in group.unusable(name)
        if (estimate := run.estimates()[name]).value is not None
    ]


def _finish(axes: "Axes", *, last: bool) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")
    if last:
        axes.set_xlabel(AXES["accuracy"][1], fontsize="small")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False, fontsize="small")
