"""What becomes of networks that are compressed, and whether their RLCT predicts it, as a figure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.reporting.styles_of_objectives import CurveKind, strength_styles
from keras_selfmodel.studies.compression import COMPRESSION_MEASURES, NETWORK_SIZES, CompressedRun
from keras_selfmodel.studies.compression.measures import RISE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Rises below this are drawn at it, on an axis of logarithms.
LEAST_RISE = 1e-3
SCATTERED = ("pruning", "bits")


def compression_figure(found: Sequence[CompressedRun], title: str) -> "Figure":
    """Draws the rise of the loss against four sizes, mean over the seeds, and two sizes against the RLCT.

    Args:
        found: Compressed networks of one size, of one or several objectives; collapsed ones left out.
        title: Title of the figure.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: If matplotlib is missing.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 6.6), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    axes = list(figure.subplots(2, 3).flat)
    groups: dict[CurveKind, list[CompressedRun]] = {}
    for one in found:
        groups.setdefault(CurveKind(one.result.recipe.objective, one.result.recipe.aux_weight), []).append(one)
    for panel, name in zip(axes, NETWORK_SIZES, strict=False):
        _draw_curves(panel, groups, name)
    for panel, name in zip(axes[len(NETWORK_SIZES) :], SCATTERED, strict=True):
        _draw_scatter(panel, groups, name)
    for letter, panel in zip("ABCDEF", figure.axes, strict=True):
        panel.set_title(rf"$\bf{{{letter}}}$   {panel.get_title()}", loc="left", fontsize="small")
        panel.set_title("")
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize="small")
    handles = {
        label: line for panel in figure.axes[:4] for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize="x-small", frameon=False
    )
    return figure


def _draw_curves(axes: "Axes", groups: dict[CurveKind, list[CompressedRun]], name: str) -> None:
    looks = _looks(groups)
    for kind, networks in groups.items():
        curves = [one.compression.curves[name] for one in networks if name in one.compression.curves]
        if not curves:
            continue
        factor = COMPRESSION_MEASURES[name].factor
        # Points of one number were made by the same change.
        amounts = np.mean([[point.amount for point in curve.points] for curve in curves], axis=0) * factor
        rises = np.mean([[_rise(curve, point) for point in curve.points] for curve in curves], axis=0)
        axes.plot(amounts, np.maximum(rises, LEAST_RISE), **looks[kind], linewidth=1.2)
    axes.axhline(RISE, color="0.6", linewidth=0.8, linestyle="--")
    axes.set(
        yscale="log",
        ylim=(LEAST_RISE, None),
        title=f"Loss against {COMPRESSION_MEASURES[name].title.partition(' /')[0]}",
    )
    axes.set_xlabel(COMPRESSION_MEASURES[name].title.replace("bits", "bits per weight"), fontsize="small")
    axes.set_ylabel("rise of the loss / nat", fontsize="small")
    if name == "bits":
        axes.set_xlim(1, 8)


def _draw_scatter(axes: "Axes", groups: dict[CurveKind, list[CompressedRun]], name: str) -> None:
    looks = _looks(groups)
    for kind, networks in groups.items():
        pairs = [(one.result.number("rlct"), COMPRESSION_MEASURES[name].of(one.compression)) for one in networks]
        whole = [(x, COMPRESSION_MEASURES[name].factor * y) for x, y in pairs if x is not None and y is not None]
        if whole:
            axes.plot(*zip(*whole, strict=True), **looks[kind] | {"linestyle": "none"})
    axes.set_title(f"{COMPRESSION_MEASURES[name].title.partition(' /')[0].capitalize()} at +{RISE:g} nat against RLCT")
    axes.set_xlabel("RLCT", fontsize="small")
    axes.set_ylabel(COMPRESSION_MEASURES[name].title.replace("bits", "bits per weight"), fontsize="small")


def _rise(curve: CompressionCurve, point: CurvePoint) -> float:
    intact = curve.points[0].loss
    return np.nan if point.loss is None or intact is None else point.loss - intact


def _looks(kinds: Iterable[CurveKind]) -> dict[CurveKind, dict[str, Any]]:
    """Arguments of `Axes.plot`."""
    return {
        kind: {**asdict(style), "markersize": 3 if kind.strength else 5, "label": kind.label}
        for kind, style in strength_styles(kinds).items()
    }
