"""The plateau of a calibration as a figure."""


def calibration_figure(calibration):
    """Draws the pilots' estimates against the localization, and against the step size.

    Args:
        calibration: A `Calibration`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
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
            marker="o",
            capsize=3,
            color="C0",
            label="pilot, 95 % of its sampling",
        )
        axes.plot(place(chosen), chosen.value, "s", color="C1", zorder=3, label=mark)
        axes.set(xlabel=label, xscale="log", xticks=[place(pilot) for pilot in pilots])
        axes.set_xticklabels([f"{place(pilot):.2g}" for pilot in pilots])
        axes.xaxis.set_minor_formatter(NullFormatter())
    left.set(ylabel="estimate of the RLCT")
    left.set_ylim(bottom=min(0.0, left.get_ylim()[0]))
    right.legend(frameon=False, fontsize="small", loc="lower right")
    figure.suptitle("On a plateau" if calibration.on_plateau else "Not on a plateau", fontsize="medium")
    return figure
