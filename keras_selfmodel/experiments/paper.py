"""The numbers of arXiv 2407.10188, read off its figures (±0.001 for the spread, ±1 for the RLCT)."""

import dataclasses
from dataclasses import dataclass

from keras_selfmodel.experiments.recipe import WITHOUT_EFFECT_ON_NUMBERS, Recipe


@dataclass(frozen=True)
class PaperFigures:
    """What the paper shows for one setting: means over ten seeds. `None` where no figure can be read."""

    weight_spread: float
    rlct: float
    accuracy: float | None


# Given at the ends of the range of AW and where a small network collapses.
_MNIST_ACCURACY = {
    (64, 0): 0.965, (64, 20): 0.27, (64, 50): 0.11,
    (128, 50): 0.14,
    (256, 0): 0.97, (256, 50): 0.93,
    (512, 0): 0.975, (512, 50): 0.96,
}  # fmt: skip


def _mnist(hidden: int, spreads: tuple[float, ...], rlcts: tuple[float, ...]) -> dict[float, PaperFigures]:
    rows = zip((0, 1, 5, 10, 20, 50), spreads, rlcts, strict=True)
    return {weight: PaperFigures(spread, rlct, _MNIST_ACCURACY.get((hidden, weight))) for weight, spread, rlct in rows}


# By task, hidden units and AW. Only on MNIST the paper varies the hidden units.
_FIGURES: dict[str, dict[int, dict[float, PaperFigures]]] = {
    "mnist": {
        64: _mnist(64, (0.261, 0.234, 0.221, 0.230, 0.118, 0.094), (33, 31, 29.5, 25.5, -3.5, -5)),
        128: _mnist(128, (0.189, 0.175, 0.163, 0.158, 0.169, 0.080), (38, 37.5, 34, 32, 28, -16)),
        256: _mnist(256, (0.136, 0.129, 0.122, 0.117, 0.113, 0.112), (46, 45.5, 42, 39.5, 37, 28)),
        512: _mnist(512, (0.097, 0.094, 0.091, 0.088, 0.085, 0.081), (58, 58, 56, 52.5, 48.5, 37)),
    },
    "cifar10": {
        2000: {
            0: PaperFigures(0.060, 81.5, 0.920),
            0.5: PaperFigures(0.0525, 72.6, 0.919),
            1: PaperFigures(0.0545, 69.4, 0.9195),
            2: PaperFigures(0.057, 66.8, 0.9185),
        },
    },
    "imdb": {
        128: {
            0: PaperFigures(2.05, 13.6, 0.819),
            100: PaperFigures(1.63, 11.2, 0.821),
            500: PaperFigures(0.76, 5.2, 0.836),
        },
    },
}


def paper_series(task: str, hidden: int) -> dict[float, PaperFigures]:
    """The paper's figures of one network size by auxiliary weight; empty if the paper did not run it.

    Example:

    >>> [figures.rlct for figures in paper_series("imdb", 128).values()]
    [13.6, 11.2, 5.2]
    """
    return dict(_FIGURES.get(task, {}).get(hidden, {}))


def paper_figures(recipe: Recipe) -> PaperFigures | None:
    """The paper's figures for a run, if it has the paper's settings.

    Args:
        recipe: The run's recipe. Seed, whether the RLCT is measured, and settings that change no number are left out of
            the comparison; so are the targets of a baseline, which predicts nothing.

    Returns:
        The figures, or `None` if any setting differs or the paper did not run it.

    Example:

    >>> from keras_selfmodel.experiments import TASKS
    >>> paper_figures(TASKS["mnist"].recipe).weight_spread
    0.088
    """
    from keras_selfmodel.experiments.paper_tasks import TASKS  # Here: tasks need Keras, their figures do not.

    figures = paper_series(recipe.task, recipe.hidden).get(recipe.aux_weight)
    if figures is None or recipe.task not in TASKS:
        return None
    varied: dict = {"hidden": recipe.hidden, "aux_weight": recipe.aux_weight, "seed": recipe.seed}
    varied |= {name: getattr(recipe, name) for name in WITHOUT_EFFECT_ON_NUMBERS}
    if recipe.rlct is None:
        varied["rlct"] = None
    if recipe.aux_weight == 0:
        varied["targets"] = recipe.targets
    return figures if recipe == dataclasses.replace(TASKS[recipe.task].recipe, **varied) else None
