"""The traces of an RLCT estimation as a figure."""

import numpy as np


def trace_figure(estimate):
    """Draws nβ·[L_B(w) − L_B(w*)] of each chain against the step, smoothed over 1 % of the steps.

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
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
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
    return figure
