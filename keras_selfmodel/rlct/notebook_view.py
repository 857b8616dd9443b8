"""An estimate as a notebook shows it: the number, its verdict with the objections, and the chains."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from keras_selfmodel._curve_styles import COLORS
from keras_selfmodel._number_texts import NO_NUMBER, number_text, plus_minus, short_number

if TYPE_CHECKING:
    from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate

# Of the drawing, in pixels, and points of each curve in it.
WIDTH, HEIGHT, POINTS = 360, 90, 120
# Of what a verdict is written in: dark enough for white pages, light enough for dark ones.
VERDICT_COLORS = {"reliable": "#1a7f4b", "doubtful": "#b06000", "not to be used": "#c0392b"}


def as_html(estimate: "RLCTEstimate") -> str:
    """An `RLCTEstimate` as HTML that needs nothing from elsewhere."""
    color = VERDICT_COLORS[estimate.verdict]
    number = short_number(estimate.value, 4, none=NO_NUMBER)
    number += plus_minus(estimate.std_error, lambda error: short_number(error, 2))
    chains = f"{len(estimate.losses)} chain{'' if len(estimate.losses) == 1 else 's'}"
    objections = "".join(f"<li>{escape(sentence)}</li>" for sentence in estimate.warnings)
    return (
        f'<div style="max-width:40em"><strong>RLCT {number}</strong> '
        f'<span style="color:{color};font-weight:bold">{estimate.verdict}</span><br>'
        f"{estimate.settings.convention} convention, nβ = {short_number(estimate.inverse_temperature, 4)}, "
        f"γ = {short_number(estimate.localization, 3)}; {chains} of {estimate.num_draws} draws, "
        f"R̂ = {number_text(estimate.r_hat, 3)}"
        f"{f'<ul>{objections}</ul>' if objections else '<br>'}{_chains(estimate)}</div>"
    )


def _chains(estimate: "RLCTEstimate") -> str:
    """nβ·[L_B(w) − L_B(w*)] of each chain, means over stretches, with the burn-in shaded and the estimate dashed."""
    excess = estimate.excess
    points = min(POINTS, excess.shape[1])
    curves = np.array([[part.mean() for part in np.array_split(trace, points)] for trace in excess])
    seen = curves[np.isfinite(curves)]
    if not seen.size:
        return ""
    low, high = min(0.0, seen.min()), max(seen.max(), 0.0)

    def height(value: np.ndarray) -> np.ndarray:
        return HEIGHT - 2 - (HEIGHT - 4) * (value - low) / max(high - low, 1e-300)

    places = (np.arange(points) + 0.5) / points * WIDTH
    drawn = []
    for number, curve in enumerate(curves):
        there = np.isfinite(curve)
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places[there], height(curve[there]), strict=True))
        color = COLORS[number % len(COLORS)]
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1"/>')
    burned = WIDTH * estimate.settings.burn_in / excess.shape[1]
    level = "" if not np.isfinite(estimate.paired_value) else f"{float(height(np.array(estimate.paired_value))):.1f}"
    dashed = f'<path d="M0 {level}H{WIDTH}" stroke="#666" stroke-dasharray="5 3"/>' if level else ""
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="The chains, with the burn-in shaded" style="background:#fff">'
        f'<rect width="{burned:.1f}" height="{HEIGHT}" fill="#e6e6e6"/>{dashed}{"".join(drawn)}</svg>'
    )
