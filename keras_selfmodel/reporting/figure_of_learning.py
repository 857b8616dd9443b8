"""Learning curves as a figure."""

from typing import TYPE_CHECKING

from keras_selfmodel._curve_styles import CurveStyle
from keras_selfmodel.experiments import SELF_MODELING
from keras_selfmodel.reporting.interval_bars import bars
from keras_selfmodel.reporting.styles_of_objectives import CurveKind, strength_styles
from keras_selfmodel.studies.learning import LearningCurves, LearningPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURES_DRAWN = {"accuracy": "accuracy on the test data", "gap": "generalization gap"}


def learning_figure(curves: LearningCurves, hidden: int) -> "Figure":
    """Draws accuracy and generalization gap against the training samples, a column for each label noise.

    Args:
        curves: What `learning_curves` found.
        hidden: The size that is shown.

    Returns:
        A `matplotlib.figure.Figure`; bars are 95 % intervals over the seeds.

    Raises:
        ImportError: If matplotlib is missing.
    """
    from matplotlib.figure import Figure

    points = [point for point in curves.points if point.hidden == hidden]
    styles = strength_styles(map(_kind, points))
    noises = sorted({point.label_noise for point in points})
    figure = Figure(figsize=(0.8 + 3.2 * len(noises), 6.0), layout="constrained")
    figure.suptitle(f"{curves.title}, H = {hidden}", fontsize="medium")
    rows = figure.subplots(len(MEASURES_DRAWN), len(noises), squeeze=False, sharex=True, sharey="row")
    samples = {point.examples for point in points}
    # Shared by all, and set before anything is drawn: matplotlib warns of an axis with a single place.
    rows[0][0].set(xscale="log", xlim=(min(samples) / 1.5, max(samples) * 1.5))
    for row, (name, title) in zip(rows, MEASURES_DRAWN.items(), strict=True):
        row[0].set_ylabel(title, fontsize="small")
        for axes, noise in zip(row, noises, strict=True):
            _draw(axes, [point for point in points if point.label_noise == noise], name, styles)
            axes.set_title(f"label noise {noise:g}", loc="left", fontsize="small")
    for axes in rows[-1]:
        axes.set_xlabel("training samples", fontsize="small")
    drawn = {label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    labels = [label for kind in styles if (label := kind.label) in drawn]
    figure.legend(
        [drawn[label] for label in labels],
        labels,
        loc="outside lower center",
        ncols=4,
        fontsize="small",
        frameon=False,
    )
    return figure


def _draw(axes: "Axes", points: list[LearningPoint], name: str, styles: dict[CurveKind, CurveStyle]) -> None:
    for kind, style in styles.items():
        curve = [
            (point.examples, interval)
            for point in points
            if _kind(point) == kind and (interval := getattr(point, name)) is not None
        ]
        if not curve:
            continue
        axes.errorbar(
            [examples for examples, _ in curve],
            [interval.mean for _, interval in curve],
            bars(name, [interval for _, interval in curve]),
            color=style.color,
            marker=style.marker,
            linestyle=style.linestyle,
            markersize=4,
            linewidth=1.2,
            elinewidth=0.8,
            label=kind.label,
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")


def _kind(point: LearningPoint) -> CurveKind:
    """There is one baseline, whatever the objective."""
    return CurveKind(point.objective if point.aux_weight > 0 else SELF_MODELING, point.aux_weight)
