"""The panels of the paper's figures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_selfmodel._curve_styles import PAPER_COLOR, curve_style, shade_style
from keras_selfmodel.experiments import spread_history
from keras_selfmodel.reporting.crosses import cross_out, crosses_in
from keras_selfmodel.reporting.interval_bars import bars
from keras_selfmodel.statistics import mean_interval
from keras_selfmodel.studies import MEASURES, Group, Measure, Series, Study, collapsed_runs, paper_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Factor of a measure, and label of its axis.
AXES = {
    "weight_spread": (1, "standard deviation of the\nfinal layer's weights"),
    "rlct": (1, "RLCT"),
    "rlct_descended": (1, "RLCT after descent"),
    "accuracy": (100, "accuracy on the test data / %"),
}


def draw_training(axes: "Axes", study: Study, *, paper: bool) -> None:
    """The weight spread over the epochs, one curve for each auxiliary weight, of the widest networks.

    Args:
        axes: A `matplotlib.axes.Axes`.
        study: The runs.
        paper: Whether the paper's values at the end of the training are marked.
    """
    from matplotlib.ticker import MaxNLocator

    series = study.series[-1]
    weights = _weights(study)
    counts, drawn = [], []
    for group in series.groups:
        epochs, rows = _histories(group)
        if not rows:
            continue
        style = shade_style(weights.index(group.aux_weight), len(weights))
        found = (mean_interval(values) for values in zip(*rows, strict=True))
        intervals = [interval for interval in found if interval is not None]
        means = np.array([interval.mean for interval in intervals])
        line: dict[str, Any] = {"color": style.color, "linestyle": style.linestyle, "linewidth": 1.4}
        (curve,) = axes.plot(epochs, means, marker=style.marker, markersize=4, markevery=_few(epochs), **line)
        if intervals[0].half_width is not None:
            under, above = bars("weight_spread", intervals)
            axes.fill_between(epochs, means - under, means + above, color=style.color, alpha=0.15, linewidth=0)
        counts.append(len(rows))
        drawn.append((curve, f"{group.aux_weight:g}"))
        value = getattr(paper_of(study, series).get(group.aux_weight), "weight_spread", None) if paper else None
        if value is not None:
            axes.plot(epochs[-1], value, marker=style.marker, **_faint(8))
    axes.set(xlabel="epoch", ylabel=AXES["weight_spread"][1])
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if drawn:
        _legend(axes, "auxiliary weight AW", drawn, counts, _paper_handle(axes) if paper else None)
    else:
        _say(axes, "no history of the training")


def draw_measure(axes: "Axes", study: Study, name: str, *, paper: bool) -> None:
    """A measure after training against the auxiliary weight, one curve for each network size.

    The weights stand on a symmetric-log axis, which shows 0 too. Open markers are groups in which networks collapsed,
    crosses single estimates that are not to be used, which the means leave out. The axis of the accuracy ends where the
    other groups do: a loss of one point would not be seen beside networks that guess.

    Args:
        axes: A `matplotlib.axes.Axes`.
        study: The runs.
        name: A name of `AXES`.
        paper: Whether the paper's values are marked.
    """
    factor, label = AXES[name]
    weights = _weights(study)
    counts, drawn = [], []
    standing, below = [], []
    for index, series in enumerate(study.series):
        style = curve_style(index)
        found = {group.aux_weight: group.interval(name) for group in series.groups}
        points = {weight: interval for weight, interval in found.items() if interval is not None}
        if not points:
            continue
        places = list(points)
        means = factor * np.array([interval.mean for interval in points.values()])
        under, above = bars(name, list(points.values()), factor)
        axes.fill_between(places, means - under, means + above, color=style.color, alpha=0.15, linewidth=0)
        line: dict[str, Any] = {"color": style.color, "linestyle": style.linestyle, "linewidth": 1.4}
        curve = axes.errorbar(places, means, [under, above], marker=style.marker, markersize=5, capsize=2.5, **line)
        hollow = [
            (place, mean)
            for place, mean, weight in zip(places, means, points, strict=True)
            if collapsed_runs(_group(series, weight), series)
        ]
        if hollow:
            look: dict[str, Any] = {
                "linestyle": "none",
                "markersize": 5,
                "markerfacecolor": "white",
                "markeredgecolor": style.color,
            }
            axes.plot(*zip(*hollow, strict=True), marker=style.marker, gid="collapsed", zorder=3, **look)
        upright = [one not in hollow for one in zip(places, means, strict=True)]
        standing += [*(means - under)[upright], *(means + above)[upright]]
        below += [(place, mean, style) for place, mean in hollow]
        counts += [interval.count for interval in points.values()]
        drawn.append((curve, str(series.hidden)))
        if paper:
            _mark_paper(axes, study, series, name, weights, style.marker)
    axes.set(xlabel="auxiliary weight AW", ylabel=rlct_label(study, name) if name.startswith("rlct") else label)
    on_weights(axes, weights)
    axes.margins(y=0.08)
    if name == "accuracy":
        if standing and below:
            _end_below(axes, min(standing), max(standing), below)
        bottom, top = axes.get_ylim()
        axes.set_ylim(top=min(top, 100 + 0.04 * (100 - bottom)))  # Room for the marker alone.
    crosses = [
        (group.aux_weight, factor * estimate.value)
        for series in study.series
        for group in series.groups
        for run in group.unusable(name)
        if (estimate := run.estimates()[name]).value is not None
    ]
    cross_out(axes, crosses)
    if drawn:
        _legend(axes, "hidden units H", drawn, counts, _paper_handle(axes) if paper else None)
    else:
        _say(axes, f"{MEASURES[name].title}:\n{_why_no_mean(study, MEASURES[name])}")


def _why_no_mean(study: Study, measure: Measure) -> str:
    """Why no group has a mean of a measure."""
    if any(measure.of(run) is not None for run in study.runs):
        return "measured only where needed, no means"
    return "no estimate can be used" if any(run.was_measured(measure.name) for run in study.runs) else "not measured"


def on_weights(axes: "Axes", weights: Sequence[float]) -> None:
    """Makes the x axis one of auxiliary weights: linear up to the smallest above 0, logarithmic from there."""
    positive = [weight for weight in weights if weight > 0]
    least, most = (positive[0], positive[-1]) if positive else (1.0, 1.0)
    axes.set_xscale("symlog", linthresh=least, linscale=0.6)
    axes.set_xticks(weights, [f"{weight:g}" for weight in weights])
    axes.set_xticks([], minor=True)
    axes.set_xlim(-0.35 * least, 1.35 * most)


def _end_below(axes: "Axes", lowest: float, highest: float, points: Sequence[tuple]) -> None:
    """Ends the y axis below what stands upright, and says at its edge how low the points beyond it are.

    Args:
        axes: A `matplotlib.axes.Axes` that holds all curves.
        lowest: Least value that is to be seen.
        highest: The largest.
        points: Place, value and style of each point that may lie beyond.
    """
    room = max(highest - lowest, 0.1)
    bottom, top = lowest - 0.3 * room, highest + 0.08 * room
    beyond = [point for point in points if point[1] < bottom]
    if not beyond:
        return
    axes.set_ylim(bottom, top)
    for rank, (place, value, style) in enumerate(sorted(beyond, key=lambda point: point[1])):
        height = bottom + (0.03 + 0.07 * rank) * (top - bottom)
        look = {"color": style.color, "fontsize": "x-small", "ha": "right", "gid": "below", "zorder": 5}
        patch = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        axes.text(place, height, f"↓ {value:.0f}", bbox=patch, **look)


def _weights(study: Study) -> list[float]:
    return sorted({group.aux_weight for series in study.series for group in series.groups})


def _group(series: Series, weight: float) -> Group:
    return next(group for group in series.groups if group.aux_weight == weight)


def _histories(group: Group) -> tuple[list[int], list[list[float]]]:
    """The epochs, and the spread after each of them for every run whose history is there."""
    rows, epochs = [], []
    for run in group.runs:
        history = spread_history(run)  # empty if it is damaged: `shortcomings` says so
        if len(history.epochs) == run.recipe.epochs and np.isfinite(history.weight_spread).all():
            epochs = list(history.epochs)
            rows.append(list(history.weight_spread))
    return epochs, rows


def _few(epochs: list[int]) -> int:
    """Every how many epochs a marker stands: about ten on a curve."""
    return max(1, len(epochs) // 10)


def _mark_paper(axes: "Axes", study: Study, series: Series, name: str, weights: list[float], marker: str) -> None:
    factor = AXES[name][0]
    for weight, figures in paper_of(study, series).items():
        value = getattr(figures, name, None)
        if value is not None and weight in weights:
            axes.plot(weight, factor * value, marker=marker, **_faint(9))


def _faint(size: int) -> dict:
    return {
        "linestyle": "none", "markersize": size, "markerfacecolor": "none", "markeredgecolor": PAPER_COLOR,
        "alpha": 0.75, "gid": "paper", "zorder": 1,
    }  # fmt: skip


def _paper_handle(axes: "Axes") -> Any:
    """The legend's entry for the paper's values, if the panel has any."""
    return next((line for line in axes.get_lines() if line.get_gid() == "paper"), None)


def _legend(axes: "Axes", title: str, drawn: list, counts: list[int], paper: Any) -> None:
    """Below the panel, where it hides no curve, with the number of seeds behind each mean."""
    seeds = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)}–{max(counts)}"
    note = f"n = {seeds} seed{'' if seeds == '1' else 's'}"
    if any(text.get_gid() == "below" for text in axes.texts):
        note += ", ↓: collapsed, below the axis"
    elif any(line.get_gid() == "collapsed" for line in axes.get_lines()):
        note += ", open: collapsed"
    if crosses_in(axes):
        note += ", ×: not to be used, left out"
    handles, labels = [handle for handle, _ in drawn], [label for _, label in drawn]
    if paper is not None:
        handles.append(paper)
        labels.append("paper")
    legend = axes.legend(
        handles,
        labels,
        title=f"{title} ({note})" if len(note) < 25 else f"{title}\n({note})",
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=len(labels) if len(labels) <= 5 else 4,
        frameon=False,
        fontsize="small",
        title_fontsize="small",
        handlelength=2.4,
        columnspacing=1.0,
        handletextpad=0.5,
    )
    legend.get_title().set_multialignment("center")


def rlct_label(study: Study, name: str = "rlct") -> str:
    """The label of the axis of the RLCT, with the convention of its numbers.

    Args:
        study: The runs.
        name: "rlct" or "rlct_descended".
    """
    label = AXES[name][1]
    for run in study.runs:
        if (estimate := run.estimates().get(name)) is not None:
            return f"{label} ({estimate.convention} convention,\nnβ = {estimate.inverse_temperature:.1f})"
    return label


def _say(axes: "Axes", words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="0.4", fontsize="small")
