"""Estimates that are not to be used, in figures whose means leave them out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CROSSES: dict[str, Any] = {
    "linestyle": "none", "marker": "x", "markersize": 7, "markeredgewidth": 1.2, "color": "black",
    "gid": "not to be used", "zorder": 4, "clip_on": False,
}  # fmt: skip
# More are pixels in an SVG file, of which each cross would take 100 bytes.
MOST_LINES = 1000


def cross_out(axes: "Axes", points: Sequence[tuple[float, float]], **look: Any) -> None:
    """Draws estimates that are not to be used as crosses, those beyond the axes at their edge.

    A chain that flew off can be at 10⁹; drawn last, it does not hide what the rest of the figure shows.

    Args:
        axes: A `matplotlib.axes.Axes` that holds all the rest.
        points: Places of the estimates, in the axes' units.
        **look: Settings of `Axes.plot` that differ from `CROSSES`.
    """
    if not points:
        return
    look = {"rasterized": len(points) > MOST_LINES} | look
    if not axes.has_data():
        axes.plot(*zip(*points, strict=True), **(CROSSES | look))
        return
    limits = axes.get_xlim(), axes.get_ylim()
    places = [np.clip(column, min(ends), max(ends)) for column, ends in zip(np.transpose(points), limits, strict=True)]
    axes.plot(*places, **(CROSSES | look))
    axes.set(xlim=limits[0], ylim=limits[1])


def crosses_in(axes: "Axes") -> bool:
    """Whether any are drawn."""
    return any(line.get_gid() == CROSSES["gid"] for line in axes.get_lines())
