"""A profile over the localization as a figure."""


def profile_figure(profile):
    """Draws λ̂ against γ, and against the distance that the chains reach.

    Args:
        profile: A `LocalizationProfile`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, places, label in (
        (left, profile.localizations, "localization γ"),
        (right, profile.distances, "distance |w − w*| reached"),
    ):
        axes.errorbar(places, profile.values, 1.96 * profile.sampling_errors, marker="o", capsize=3, label="λ̂, 95 %")
        axes.set(xlabel=label, xscale="log")
        if profile.plateau is not None:
            rows = slice(profile.plateau.start, profile.plateau.stop)
            ends = sorted((places[rows][0], places[rows][-1]))
            axes.axvspan(*ends, color="0.9", zorder=0, label="plateau")
    left.plot(profile.localizations, profile.held, linestyle=":", color="C1", label="half-directions held by γ")
    left.axvline(profile.unit, color="0.6", linewidth=1, linestyle="--", label="γ₀, a prior as wide as the weights")
    left.invert_xaxis()  # To the right the chains get farther, as in the other panel.
    top = 1.25 * max(profile.values + 1.96 * profile.sampling_errors)
    left.set(ylabel="estimate of the RLCT", ylim=(min(0.0, min(profile.values)), top))
    left.legend(frameon=False, fontsize="x-small")
    figure.suptitle(profile.words, fontsize="small")
    return figure
