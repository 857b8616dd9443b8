"""The figures of an estimate, of a calibration and of a profile over the localization."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_selfmodel._curve_styles import PAPER_COLOR, CurveStyle, curve_style
from keras_selfmodel._installation import needed
from keras_selfmodel._number_texts import NO_NUMBER, short_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from keras_selfmodel.rlct.calibrating import Calibration
    from keras_selfmodel.rlct.profile_of_localizations import LocalizationProfile
    from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate


# Bars of the rank plot.
BARS = 20


def _empty_figure(figsize: tuple[float, float]) -> "Figure":
    return needed("matplotlib.figure", "plot").Figure(figsize=figsize, layout="constrained")


def trace_figure(estimate: "RLCTEstimate") -> "Figure":
    """Draws the chains, the ranks of their draws and the autocorrelation.

    Above, nβ·[L_B(w) − L_B(w*)] of each chain against the step, smoothed over 1 % of the steps. Below, how often the
    draws of each chain have each rank among those of all (equally often if the chains agree), and how long a chain
    remembers its draws.

    Args:
        estimate: An `RLCTEstimate`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    settings = estimate.settings
    excess = estimate.inverse_temperature * (estimate.losses - estimate.reference_losses)
    steps = excess.shape[1]
    width = max(1, steps // 100)
    kernel = np.ones(width) / width
    draws = estimate.draws
    compared = np.isfinite(draws).all() and draws.shape[1] > 1
    mosaic: Any = [["chains", "chains"], ["ranks", "memory"]] if compared else [["chains"]]
    figure = _empty_figure(figsize=(6.4, 5.6 if compared else 3.8))
    panels = figure.subplot_mosaic(mosaic, height_ratios=[1.5, 1][: len(mosaic)])
    axes = panels["chains"]
    for chain, trace in enumerate(excess):
        smooth = np.convolve(trace, kernel, mode="valid")
        look = _marked_now_and_then(chain, len(smooth))
        axes.plot(np.arange(len(smooth)) + width / 2, smooth, label=f"chain {chain + 1}", **look)
    said = "" if estimate.verdict == "reliable" else f" ({estimate.verdict})"
    value = short_number(estimate.value, 3, none=NO_NUMBER)
    label, level = f"RLCT {value}{said}", estimate.value
    if settings.convention == "paper":
        # The traces are paired with their batches, which the paper's estimate is not: it may lie beside them.
        label += f" (against L₀ of {settings.num_chains} batches)"
    else:
        # So are they with the heat that the estimate takes off.
        label, level = f"{label} + heat {short_number(estimate.heat_correction, 2)}", estimate.paired_value
    if settings.burn_in:
        axes.axvspan(0, settings.burn_in, color="0.92", zorder=0, label="burn-in")
    axes.axhline(level, color="black", linewidth=1, linestyle="--", label=label)
    axes.set(
        xlabel="step",
        ylabel=r"$n\beta\,[L_B(w) - L_B(w^*)]$" + (f"\nmean over {width} steps" if width > 1 else ""),
        xlim=(0, steps),
        title=f"Chains ({settings.sampler}{', after descent' if estimate.anchor == 'descend' else ''}), "
        f"{settings.convention} convention, nβ = {estimate.inverse_temperature:.1f}",
    )
    # Below the axes: chains cross all of them.
    axes.legend(frameon=False, fontsize="small", ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    if compared:
        _draw_ranks(panels["ranks"], draws)
        _draw_autocorrelation(panels["memory"], draws)
    for axes in panels.values():
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _line(style: CurveStyle) -> dict:
    return {"color": style.color, "linestyle": style.linestyle, "marker": style.marker, "linewidth": 1}


def _marked_now_and_then(chain: int, points: int) -> dict:
    """The look of a chain's curve, whose marks are not where those of the next chain are."""
    every = max(1, points // 7)
    return {**_line(curve_style(chain)), "markersize": 4, "markevery": (chain * every // 4 % every, every)}


def _draw_ranks(axes: "Axes", draws: np.ndarray) -> None:
    ranks = np.argsort(np.argsort(draws, axis=None)).reshape(draws.shape) / draws.size
    for chain, trace in enumerate(ranks):
        counts, edges = np.histogram(trace, BARS, (0, 1))
        style = curve_style(chain)
        axes.stairs(counts / len(trace) * BARS, edges, color=style.color, linestyle=style.linestyle)
    axes.axhline(1, color="black", linewidth=1, linestyle="--")
    axes.set(xlabel="rank among all draws", ylabel="frequency", ylim=(0, None), xlim=(0, 1))


def _draw_autocorrelation(axes: "Axes", draws: np.ndarray) -> None:
    lags = max(2, draws.shape[1] // 4)
    for chain, trace in enumerate(draws - draws.mean(axis=1, keepdims=True)):
        # By the convolution theorem, padded so that the end does not meet the beginning.
        spectrum = np.abs(np.fft.rfft(trace, 2 * len(trace))) ** 2
        covariance = np.fft.irfft(spectrum)[:lags]
        axes.plot(covariance / max(covariance[0], 1e-300), **_marked_now_and_then(chain, lags))
    axes.axhline(0, color="black", linewidth=1, linestyle="--")
    axes.set(xlabel="steps between draws", ylabel="autocorrelation", xlim=(0, lags - 1), ylim=(None, 1.05))


def calibration_figure(calibration: "Calibration") -> "Figure":
    """Draws the pilots' estimates against the localization, and against the step size.

    Args:
        calibration: A `Calibration`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    figure = _empty_figure(figsize=(7.2, 3.4))
    from matplotlib.ticker import NullFormatter

    left, right = figure.subplots(1, 2, sharey=True)
    chosen = calibration.pilot
    free = calibration.settings.step_size is None
    mark = "chosen: ε from the curvature, again in the estimate" if free else f"chosen, ε = {chosen.step_size:.3g}"
    for axes, pilots, label, place in (
        (left, calibration.localizations, "localization γ", lambda pilot: pilot.localization),
        (right, calibration.step_sizes, "step size ε", lambda pilot: pilot.step_size),
    ):
        axes.axhspan(0.95 * chosen.value, 1.05 * chosen.value, color="0.92", zorder=0, label="chosen ± 5 %")
        axes.errorbar(
            [place(pilot) for pilot in pilots],
            [pilot.value for pilot in pilots],
            [1.96 * pilot.sampling_error for pilot in pilots],
            capsize=3,
            **_line(curve_style(1)),
            label="pilot, 95 % of its sampling",
        )
        axes.plot(place(chosen), chosen.value, "s", color=curve_style(2).color, zorder=3, label=mark)
        axes.set(xlabel=label, xscale="log", xticks=[place(pilot) for pilot in pilots])
        axes.set_xticklabels([f"{place(pilot):.2g}" for pilot in pilots])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.spines[["top", "right"]].set_visible(False)
    left.set(ylabel="estimate of the RLCT")
    left.set_ylim(bottom=min(0.0, left.get_ylim()[0]))
    right.legend(frameon=False, fontsize="small", loc="lower right")
    figure.suptitle("On a plateau" if calibration.on_plateau else "Not on a plateau", fontsize="medium")
    return figure


def profile_figure(profile: "LocalizationProfile") -> "Figure":
    """Draws λ̂ against γ, and against the distance that the chains reach.

    Args:
        profile: A `LocalizationProfile`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    figure = _empty_figure(figsize=(7.2, 3.8))
    from matplotlib.ticker import LogLocator, NullFormatter

    left, right = figure.subplots(1, 2, sharey=True)
    look = _line(curve_style(1))
    for axes, places, label in (
        (left, profile.localizations, "localization γ"),
        (right, profile.distances, "distance |w − w*| reached"),
    ):
        axes.errorbar(places, profile.values, 1.96 * profile.sampling_errors, capsize=3, label="λ̂, 95 %", **look)
        axes.set(xlabel=label, xscale="log")
        # Within two decades matplotlib writes every digit, one over the other.
        narrow = max(places) < 100 * min(places)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        if profile.plateau is not None:
            rows = slice(profile.plateau.start, profile.plateau.stop)
            ends = sorted((places[rows][0], places[rows][-1]))
            axes.axvspan(*ends, color="0.9", zorder=0, label="plateau")
    left.plot(
        profile.localizations,
        profile.held,
        linestyle=":",
        color=curve_style(2).color,
        label="half-directions held by γ",
    )
    left.axvline(
        profile.unit, color=PAPER_COLOR, linewidth=1, linestyle="--", label="γ₀, a prior as wide as the weights"
    )
    left.invert_xaxis()  # To the right the chains get farther, as in the other panel.
    top = 1.25 * max(profile.values + 1.96 * profile.sampling_errors)
    left.set(ylabel="estimate of the RLCT", ylim=(min(0.0, min(profile.values)), top))
    handles = left.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(profile.words, fontsize="small")
    return figure
