"""How curves look: distinguishable in color, by color-blind readers, and in gray print."""

from collections.abc import Sequence
from dataclasses import dataclass

# Okabe and Ito's colors without yellow, which white paper swallows.
COLORS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
# Of auxiliary weights, from small to large: shades of one color, which no network size has.
SHADES = ("#C9A6D9", "#3F0051")
# Of objectives, of which there are more: those above, and Tol's without the purple, which the shades have.
MORE_COLORS = (*COLORS, "#332288", "#882255", "#117733", "#999933", "#CC6677", "#44AA99", "#6699CC")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (7, 3)))
# The paper's values: faint, in a color that no curve has.
PAPER_COLOR = "0.45"


@dataclass(frozen=True)
class CurveStyle:
    """Color, marker and line of one curve; each alone distinguishes up to seven curves."""

    color: str
    marker: str
    linestyle: str | tuple


def curve_style(index: int) -> CurveStyle:
    """The style of the curve with this number, counted from 0.

    Example:

    >>> curve_style(1)
    CurveStyle(color='#0072B2', marker='s', linestyle='--')
    """
    return CurveStyle(COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)], LINES[index % len(LINES)])


def shade_style(index: int, count: int) -> CurveStyle:
    """The style of one of several curves whose order has a meaning: from light to dark.

    Example:

    >>> shade_style(0, 3).color, shade_style(2, 3).color
    ('#c9a6d9', '#3f0051')
    """
    light, dark = (tuple(int(shade[start : start + 2], 16) for start in (1, 3, 5)) for shade in SHADES)
    part = index / (count - 1) if count > 1 else 1.0
    mixed = (round(first + part * (last - first)) for first, last in zip(light, dark, strict=True))
    style = curve_style(index)
    return CurveStyle("#" + "".join(f"{value:02x}" for value in mixed), style.marker, style.linestyle)


def style_among(name: str, names: Sequence[str]) -> CurveStyle:
    """The style of one of a fixed list of things: the same wherever it is drawn."""
    index = list(names).index(name)
    style = curve_style(index)
    return CurveStyle(MORE_COLORS[index % len(MORE_COLORS)], style.marker, style.linestyle)
