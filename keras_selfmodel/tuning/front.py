"""The trials of a search as a figure: what accuracy costs in complexity."""

from typing import TYPE_CHECKING

import numpy as np

from keras_selfmodel.reporting.crosses import cross_out
from keras_selfmodel.tuning.tuning_result import TuningResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


COMPLEXITY_LABELS = {"rlct": "RLCT at the trained weights", "spread": "standard deviation of the final layer's weights"}


def front_figure(result: TuningResult) -> "Figure":
    """Draws every trial by complexity and validation accuracy, its color the auxiliary weight, and their Pareto front.

    Args:
        result: A search.

    Returns:
        A `matplotlib.figure.Figure`. An RLCT that is not to be used is a cross, and on no front.
    """
    from matplotlib.colors import SymLogNorm
    from matplotlib.figure import Figure

    found = [
        (trial, trial.result)
        for trial in result.trials
        if trial.result is not None and trial.complexity(result.complexity) is not None
    ]
    trials = [trial for trial, _ in found]
    complexities = np.array([trial.complexity(result.complexity) for trial in trials])
    accuracies = 100 * np.array([run.accuracy for _, run in found])
    weights = np.array([trial.recipe.aux_weight for trial in trials])
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    front = np.isin([trial.name for trial in trials], [trial.name for trial in result.front])
    order = np.argsort(complexities[front])
    axes.step(
        complexities[front][order], accuracies[front][order], where="post", color="0.5", linewidth=1, label="front"
    )
    # Linear near 0, where a logarithm would lose the baseline.
    least = min(weights[weights > 0], default=1.0)
    scale = SymLogNorm(least, vmin=0, vmax=max(weights.max(initial=0.0), least))
    look: dict = {"norm": scale, "cmap": "viridis", "zorder": 3}
    rest = axes.scatter(complexities[~front], accuracies[~front], c=weights[~front], s=18, alpha=0.6, **look)
    axes.scatter(complexities[front], accuracies[front], c=weights[front], s=48, edgecolor="black", **look)
    if result.best in trials:
        best = trials.index(result.best)
        axes.scatter(
            complexities[best], accuracies[best], marker="*", s=260, facecolor="none", edgecolor="#D55E00", zorder=4,
            label=f"best: {result.scored_by}",
        )  # fmt: skip
    cross_out(axes, _unusable(result), label="RLCT not to be used")
    axes.set(xlabel=COMPLEXITY_LABELS[result.complexity], ylabel="accuracy on the validation data / %")
    axes.legend(frameon=False, fontsize="small", loc="lower right")
    figure.colorbar(rest, ax=axes, label="auxiliary weight AW")
    return figure


def _unusable(result: TuningResult) -> list[tuple[float, float]]:
    runs = [trial.result for trial in result.trials if trial.result is not None and result.complexity == "rlct"]
    return [
        (run.rlct.value, 100 * run.accuracy)
        for run in runs
        if run.rlct is not None and not run.rlct.is_usable and run.rlct.value is not None
    ]
