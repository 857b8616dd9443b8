"""What curves of objectives and their strengths look like: the same in every panel and figure."""

from collections.abc import Iterable
from typing import NamedTuple

from keras_selfmodel._curve_styles import CurveStyle, curve_style, shade_style, style_among
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
    """Black for the baseline, shades for self-modeling, a color for each other objective; no two markers alike.

    Args:
        kinds: What is drawn.

    Returns:
        The styles: the baseline's, those of self-modeling, those of others. Markers and lines are counted through, so
        that print without colors tells up to seven apart.

    Example:

    >>> styles = strength_styles([CurveKind("dropout", 0.5), CurveKind("self-modeling", 1), CurveKind("dropout", 0.2)])
    >>> [(kind.label, style.marker) for kind, style in styles.items()]
    [('AW 1', 'o'), ('dropout 0.2', 's'), ('dropout 0.5', '^')]
    """
    ordered = sorted(set(kinds), key=lambda kind: (kind.strength > 0, kind.objective != SELF_MODELING, *kind))
    styles = {kind: BASELINE_STYLE for kind in ordered if kind.strength == 0}
    strengths = [kind.strength for kind in ordered if kind.objective == SELF_MODELING and kind.strength > 0]
    for number, kind in enumerate(kind for kind in ordered if kind.strength > 0):
        if kind.objective == SELF_MODELING:
            color = shade_style(strengths.index(kind.strength), len(strengths)).color
        else:
            color = objective_style(kind.objective).color
        style = curve_style(number)
        styles[kind] = CurveStyle(color, style.marker, style.linestyle)
    return styles
