"""How curves look: distinguishable in colour, by colour-blind readers, and in grey print."""

from dataclasses import dataclass

# Okabe and Ito's colours without yellow, which white paper swallows.
COLORS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (7, 3)))
# The paper's values: faint, and of no curve's colour.
PAPER_COLOR = "0.45"


@dataclass(frozen=True)
class CurveStyle:
    """Colour, marker and line of one curve; each alone distinguishes up to seven curves."""

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
