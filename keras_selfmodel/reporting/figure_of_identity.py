"""The self-model of a run compared with the identity, as a figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_selfmodel._curve_styles import PAPER_COLOR, curve_style
from keras_selfmodel.probes import EpochIdentity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def identity_figure(found: Sequence[EpochIdentity], title: str) -> "Figure":
    """Draws distances and ranks during training, and spectra and directions of the trained network.

    Args:
        found: By epoch, the trained network last.
        title: Title of the figure.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: If matplotlib is missing.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 6.6), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    panels = (
        (_draw_distances, "Distance of W from the identity"),
        (_draw_directions, "Error of W by direction"),
        (_draw_spectra, "Spectra of W and E = W − I"),
        (_draw_ranks, "Activations"),
    )
    for axes, letter, (draw, name) in zip(figure.subplots(2, 2).flat, "ABCD", panels, strict=True):
        draw(axes, found)
        axes.set_title(rf"$\bf{{{letter}}}$   {name}", loc="left", fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize="small")
        axes.xaxis.label.set_size("small")
        axes.yaxis.label.set_size("small")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize="x-small")
    return figure


def _draw_distances(axes: "Axes", found: Sequence[EpochIdentity]) -> None:
    curves = (
        ("distance", "‖E‖/‖I‖, all units"),
        ("distance_of_live", "‖E‖/‖I‖, live units"),
        ("weighted_distance", "tr(ECEᵀ)/tr C: fraction of the variance that W gets wrong"),
    )
    having = [one for one in found if one.identity is not None]
    for index, (name, label) in enumerate(curves):
        points = [(one.epoch, value) for one in having if (value := getattr(one.identity, name))]
        _curve(axes, points, index, label)
    _epochs(axes, found)
    axes.set_ylabel("relative distance")
    if having:
        axes.set_yscale("log")
    else:
        _say(axes, "no self-model")


def _draw_directions(axes: "Axes", found: Sequence[EpochIdentity]) -> None:
    last = found[-1]
    if last.identity is None or not last.identity.direction_errors:
        return _say(axes, "no self-model" if last.identity is None else "the activations do not vary")
    errors = last.identity.direction_errors
    style = curve_style(0)
    axes.plot(
        last.activations.variances[: len(errors)], errors, linestyle="none", marker=style.marker, color=style.color
    )
    axes.axhline(1, color=PAPER_COLOR, linewidth=0.8, linestyle="--", label="where W·v = 0")
    axes.set(xscale="log", yscale="log", xlabel="variance of the activations in direction v", ylabel="‖E·v‖²")


def _draw_spectra(axes: "Axes", found: Sequence[EpochIdentity]) -> None:
    last = found[-1]
    if last.identity is None or not last.identity.singular_values:
        return _say(axes, "no self-model" if last.identity is None else "the activations do not vary")
    spectra = (
        ([complex(*value).__abs__() for value in last.identity.eigenvalues], "|eigenvalues| of W"),
        (last.identity.singular_values, "singular values of W"),
        (last.identity.error_singular_values, "singular values of E"),
    )
    for index, (values, label) in enumerate(spectra):
        style = curve_style(index)
        axes.plot(
            range(1, len(values) + 1),
            values,
            color=style.color,
            marker=style.marker,
            markersize=3.5,
            linestyle=style.linestyle,
            linewidth=1,
            label=label,
        )
    axes.axhline(1, color=PAPER_COLOR, linewidth=0.8, linestyle="--")
    axes.set(xlabel=f"rank among live units, epoch {last.epoch}", ylim=(0, None))


def _draw_ranks(axes: "Axes", found: Sequence[EpochIdentity]) -> None:
    curves = (
        ("participation_ratio", "effective rank, participation ratio"),
        ("entropy_rank", "effective rank, entropy"),
        ("dead_units", "dead units"),
    )
    for index, (name, label) in enumerate(curves):
        points = [(one.epoch, value) for one in found if (value := getattr(one.activations, name)) is not None]
        _curve(axes, points, index, label)
    _epochs(axes, found)
    axes.set(ylabel=f"of {found[-1].activations.units} units", ylim=(0, None))


def _curve(axes: "Axes", points: list[tuple], index: int, label: str) -> None:
    style = curve_style(index)
    axes.plot(
        [epoch for epoch, _ in points],
        [value for _, value in points],
        color=style.color,
        marker=style.marker,
        linestyle=style.linestyle,
        markersize=5,
        linewidth=1.4,
        label=label,
    )


def _epochs(axes: "Axes", found: Sequence[EpochIdentity]) -> None:
    """Epoch 0 and those that double on one axis."""
    axes.set_xscale("symlog", linthresh=1)
    epochs = [one.epoch for one in found]
    axes.set_xticks(epochs, [str(epoch) for epoch in epochs])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("epoch")


def _say(axes: "Axes", words: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="0.4")
