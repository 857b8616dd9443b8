"""Learning curves as a figure."""

from typing import TYPE_CHECKING

from keras_selfmodel._curve_styles import CurveStyle, shade_style, style_among
from keras_selfmodel.experiments import OBJECTIVES, SELF_MODELING
from keras_selfmodel.studies.learning import LearningCurves, LearningPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CurveKind = tuple[bool, str, float]  # whether it is no baseline, its objective and its strength
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
    styles = _styles(points)
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
    labels = [label for label in map(_label, styles) if label in drawn]
    figure.legend(
        [drawn[label] for label in labels],
        labels,
        loc="outside lower center",
        ncols=4,
        fontsize="x-small",
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
            [interval.half_width or 0.0 for _, interval in curve],
            color=style.color,
            marker=style.marker,
            linestyle=style.linestyle,
            markersize=4,
            linewidth=1.2,
            elinewidth=0.8,
            label=_label(kind),
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")


def _kind(point: LearningPoint) -> CurveKind:
    return point.aux_weight > 0, point.objective if point.aux_weight > 0 else SELF_MODELING, point.aux_weight


def _label(kind: CurveKind) -> str:
    weighted, objective, weight = kind
    return f"{'AW' if objective == SELF_MODELING else objective} {weight:g}" if weighted else "baseline"


def _styles(points: list[LearningPoint]) -> dict[CurveKind, CurveStyle]:
    """The same style in every panel: shades for the weights of self-modeling, a colour for each other objective."""
    kinds = sorted({_kind(point) for point in points})
    objectives = [SELF_MODELING, *(name for name in OBJECTIVES if name != SELF_MODELING)]
    styles = {}
    for kind in kinds:
        alike = [one for one in kinds if one[1] == kind[1]]
        shade = shade_style(alike.index(kind), len(alike))
        if kind[1] == SELF_MODELING:
            styles[kind] = shade
        else:  # Of several strengths, marker and line tell which.
            styles[kind] = CurveStyle(style_among(kind[1], objectives).color, shade.marker, shade.linestyle)
    return styles
