"""The figures of one run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from keras_selfmodel._classifier_graph import final_kernel
from keras_selfmodel._curve_styles import COLORS
from keras_selfmodel._number_texts import number_text
from keras_selfmodel.experiments.run_folder import TRACES
from keras_selfmodel.metrics import spread_of
from keras_selfmodel.rlct import RLCTEstimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


BLUE, ORANGE, GREEN = COLORS[1:4]


def run_figures(
    history: list[dict[str, float]], classifier: keras.Model, estimates: Mapping[str, RLCTEstimate]
) -> dict:
    """Draws spread, losses, weights and the traces of each RLCT.

    Args:
        history: Rows of the epochs, as in `history.csv`.
        classifier: The pruned network.
        estimates: The RLCT estimates by their anchor.

    Returns:
        A `matplotlib.figure.Figure` by name.

    Raises:
        ImportError: If matplotlib is missing.
    """
    figures = {
        "spread": _spread_figure(history),
        "losses": _loss_figure(history),
        "weights": _weight_figure(final_kernel(classifier)),
    }
    return figures | {Path(TRACES[anchor]).stem: estimate.plot() for anchor, estimate in estimates.items()}


def _figure() -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _spread_figure(history: list[dict[str, float]]) -> "Figure":
    figure, axes = _figure()
    epochs = [row["epoch"] for row in history]
    axes.plot(epochs, [row["weight_spread"] for row in history], color=BLUE, label="standard deviation")
    axes.plot(
        epochs,
        [row["weight_interquartile_range"] / 1.349 for row in history],
        color=ORANGE,
        linestyle="--",
        label="interquartile range / 1.349 (equal for normal weights)",
    )
    axes.set(xlabel="epoch", ylabel="spread of the final layer's weights", ylim=(0, None))
    _whole_epochs(axes)
    axes.legend(frameon=False, fontsize="small")
    return figure


def _loss_figure(history: list[dict[str, float]]) -> "Figure":
    figure, axes = _figure()
    epochs = [row["epoch"] for row in history]
    curves = [
        ("task_loss" if "task_loss" in history[0] else "loss", "task loss, training", BLUE, "-"),
        ("val_loss", "task loss, test", ORANGE, "--"),
        ("self_prediction_loss", "self-prediction loss, training", GREEN, "-."),
        ("regularization_loss", "regularization loss, training", GREEN, "-."),
    ]
    for column, label, color, style in curves:
        if column in history[0]:
            axes.plot(epochs, [row[column] for row in history], color=color, linestyle=style, label=label)
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    _whole_epochs(axes)
    axes.legend(frameon=False, fontsize="small")
    return figure


def _whole_epochs(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _weight_figure(kernel: np.ndarray) -> "Figure":
    figure, axes = _figure()
    spread = spread_of(kernel)
    deviation, kurtosis = number_text(spread.standard_deviation, 4), number_text(spread.excess_kurtosis, 2)
    axes.hist(kernel.ravel(), bins=80, color=BLUE)
    axes.set(
        xlabel="weight of the final layer",
        ylabel="number of weights",
        title=f"standard deviation {deviation}, excess kurtosis {kurtosis}",
    )
    return figure
