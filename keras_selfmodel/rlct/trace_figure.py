"""The chains of an RLCT estimation as a figure."""

import numpy as np

# Bars of the rank plot.
BARS = 20


def trace_figure(estimate):
    """Draws the chains, the ranks of their draws and the autocorrelation.

    Above, nβ·[L_B(w) − L_B(w*)] of each chain against the step, smoothed over 1 % of the steps. Below, how often the
    draws of each chain have each rank among those of all (equally often if the chains agree), and how long a chain
    remembers its draws.

    Args:
        estimate: An `RLCTEstimate`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    settings = estimate.settings
    excess = estimate.inverse_temperature * (estimate.losses - estimate.reference_losses)
    steps = excess.shape[1]
    width = max(1, steps // 100)
    kernel = np.ones(width) / width
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    panels = figure.subplot_mosaic([["chains", "chains"], ["ranks", "memory"]], height_ratios=[1.5, 1])
    axes = panels["chains"]
    for chain, trace in enumerate(excess):
        smooth = np.convolve(trace, kernel, mode="valid")
        axes.plot(np.arange(len(smooth)) + width / 2, smooth, linewidth=1, label=f"chain {chain}")
    label, level = f"RLCT {estimate.value:.3g}", estimate.value
    if settings.convention == "paper":
        # The traces are paired with their batches, which the paper's estimate is not: it may lie beside them.
        label += f" (against L₀ of {settings.num_chains} batches)"
    else:
        # So are they with the heat that the estimate takes off.
        label, level = f"{label} + heat {estimate.heat_correction:.2g}", estimate.paired_value
    axes.axvspan(0, settings.burn_in, color="0.92", zorder=0, label="burn-in")
    axes.axhline(level, color="black", linewidth=1, linestyle="--", label=label)
    axes.set(
        xlabel="step",
        ylabel=r"$n\beta\,[L_B(w) - L_B(w^*)]$",
        xlim=(0, steps),
        title=f"Chains ({settings.sampler}), {settings.convention} convention, nβ = {estimate.inverse_temperature:.1f}",
    )
    axes.legend(frameon=False, fontsize="small", ncols=2)
    draws = estimate.draws
    if np.isfinite(draws).all() and draws.shape[1] > 1:
        _draw_ranks(panels["ranks"], draws)
        _draw_autocorrelation(panels["memory"], draws)
    else:
        for name in ("ranks", "memory"):
            panels[name].set_axis_off()
    return figure


def _draw_ranks(axes, draws: np.ndarray) -> None:
    ranks = np.argsort(np.argsort(draws, axis=None)).reshape(draws.shape) / draws.size
    for trace in ranks:
        counts, edges = np.histogram(trace, BARS, (0, 1))
        axes.stairs(counts / len(trace) * BARS, edges)
    axes.axhline(1, color="black", linewidth=1, linestyle="--")
    axes.set(xlabel="rank among all draws", ylabel="frequency", ylim=(0, None), xlim=(0, 1))


def _draw_autocorrelation(axes, draws: np.ndarray) -> None:
    lags = max(2, draws.shape[1] // 4)
    for trace in draws - draws.mean(axis=1, keepdims=True):
        # By the convolution theorem, padded so that the end does not meet the beginning.
        spectrum = np.abs(np.fft.rfft(trace, 2 * len(trace))) ** 2
        covariance = np.fft.irfft(spectrum)[:lags]
        axes.plot(covariance / max(covariance[0], 1e-300), linewidth=1)
    axes.axhline(0, color="black", linewidth=1, linestyle="--")
    axes.set(xlabel="steps between draws", ylabel="autocorrelation", xlim=(0, lags - 1), ylim=(None, 1.05))
