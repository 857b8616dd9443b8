"""What curves of objectives and their strengths look like: the same in every panel and figure."""

from collections.abc import Iterable
from typing import NamedTuple

from keras_selfmodel._curve_styles import CurveStyle, shade_style, style_among
from keras_selfmodel.experiments import OBJECTIVES, SELF_MODELING

BASELINE_STYLE = CurveStyle("black", "*", "-")


class CurveKind(NamedTuple):
    """An objective and its strength, 0 for the baseline."""

    objective: str
    strength: float

    @property
    def label(self) -> str:
        """In a legend.

        Example:

        >>> CurveKind("dropout", 0.5).label, CurveKind("self-modeling", 0.0).label
        ('dropout 0.5', 'baseline')
        """
        if self.strength == 0:
            return "baseline"
        return f"{'AW' if self.objective == SELF_MODELING else self.objective} {self.strength:g}"


def objective_style(objective: str) -> CurveStyle:
    """The style of an objective, whatever its strength."""
    return style_among(objective, list(OBJECTIVES))


def strength_styles(kinds: Iterable[CurveKind]) -> dict[CurveKind, CurveStyle]:
    """Black for the baseline, shades for self-modeling, a color for each other objective.

    Args:
        kinds: What is drawn.

    Returns:
        The styles, the baseline's first; of several strengths of another objective, marker and line tell which.

    Example:

    >>> styles = strength_styles([CurveKind("dropout", 0.5), CurveKind("dropout", 0.2), CurveKind("self-modeling", 0)])
    >>> [(kind.label, style.marker) for kind, style in styles.items()]
    [('baseline', '*'), ('dropout 0.2', 'o'), ('dropout 0.5', 's')]
    """
    ordered = sorted(set(kinds), key=lambda kind: (kind.strength > 0, *kind))
    styles = {}
    for kind in ordered:
        strengths = [one.strength for one in ordered if one.objective == kind.objective and one.strength > 0]
        if kind.strength == 0:
            styles[kind] = BASELINE_STYLE
            continue
        shade = shade_style(strengths.index(kind.strength), len(strengths))
        if kind.objective == SELF_MODELING:
            styles[kind] = shade
        else:
            styles[kind] = CurveStyle(objective_style(kind.objective).color, shade.marker, shade.linestyle)
    return styles
