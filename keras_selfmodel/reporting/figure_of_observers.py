"""The error of observers against their capacity, as a figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_selfmodel._curve_styles import shade_style
from keras_selfmodel.experiments import SELF_MODELING
from keras_selfmodel.studies.observers import ObservedGroup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def observer_figure(groups: Sequence[ObservedGroup]) -> "Figure":
    """One panel for each size and question, one curve for each auxiliary weight, with 95 % intervals over the seeds.

    Groups in which networks collapsed are left out: their few units are predicted nearly exactly or not at all.

    Args:
        groups: What `observed_groups` found in one study.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: If matplotlib is missing.
    """
    from matplotlib.figure import Figure

    panels = list(dict.fromkeys((group.hidden, group.question) for group in groups))
    # Three stand in one row: in two, one place would be empty.
    columns = len(panels) if len(panels) <= 3 else 2
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=((4.2 if columns < 3 else 3.3) * columns, 3.2 * rows + 0.6), layout="constrained")
    figure.suptitle(f"{groups[0].study}: how easy networks are to predict", fontsize="medium")
    all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, (axes, (hidden, question)) in enumerate(zip(all_axes, panels, strict=False)):
        shown = [group for group in groups if (group.hidden, group.question) == (hidden, question)]
        _draw(axes, shown)
        axes.set_title(rf"$\bf{{{chr(65 + number)}}}$   {question}, H = {hidden}", loc="left", fontsize="small")
    for axes in all_axes[len(panels) :]:
        axes.set_axis_off()
    handles = {
        label: handle for axes in all_axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    left_out = "; groups with collapsed networks left out" if any(group.collapsed for group in groups) else ""
    kind = "auxiliary weight AW" if groups[0].objective == SELF_MODELING else "strength"
    figure.legend(
        handles.values(),
        handles.keys(),
        title=f"{kind} (means and 95 % intervals over the seeds{left_out})",
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize="small",
        title_fontsize="small",
    )
    return figure


def _draw(axes: "Axes", groups: Sequence[ObservedGroup]) -> None:
    capacities = sorted({group.capacity for group in groups})
    weights = sorted({group.aux_weight for group in groups if group.error is not None and not group.collapsed})
    for index, weight in enumerate(weights):
        shown = [
            (capacities.index(group.capacity), group.error)
            for group in groups
            if group.aux_weight == weight and group.error is not None
        ]
        style = shade_style(index, len(weights))
        # Beside each other: intervals of one capacity would lie on top of each other.
        shift = 0.07 * (index - (len(weights) - 1) / 2)
        axes.errorbar(
            [place + shift for place, _ in shown],
            [error.mean for _, error in shown],
            [error.half_width or 0.0 for _, error in shown],
            color=style.color,
            marker=style.marker,
            linestyle=style.linestyle,
            markersize=4.5,
            linewidth=1.2,
            capsize=2,
            label=f"{weight:g}",
        )
    axes.set_xticks(range(len(capacities)), ["linear" if capacity == 0 else str(capacity) for capacity in capacities])
    axes.set(xlabel="hidden units of the observer", ylabel="variance left unexplained")
    axes.set_ylim(0, None)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")
    axes.xaxis.label.set_fontsize("small")
    axes.yaxis.label.set_fontsize("small")
