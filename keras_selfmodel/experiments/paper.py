"""The numbers of arXiv 2407.10188, read off its figures (±0.001 for the spread, ±1 for the RLCT)."""

import dataclasses
from dataclasses import dataclass

from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.tasks import TASKS


@dataclass(frozen=True)
class PaperFigures:
    """What the paper shows for one setting: means over ten seeds. `None` where no figure can be read."""

    weight_spread: float
    rlct: float
    accuracy: float | None


_AUX_WEIGHTS = (0, 1, 5, 10, 20, 50)
_MNIST_SPREAD = {
    64: (0.261, 0.234, 0.221, 0.230, 0.118, 0.094),
    128: (0.189, 0.175, 0.163, 0.158, 0.169, 0.080),
    256: (0.136, 0.129, 0.122, 0.117, 0.113, 0.112),
    512: (0.097, 0.094, 0.091, 0.088, 0.085, 0.081),
}
_MNIST_RLCT = {
    64: (33, 31, 29.5, 25.5, -3.5, -5),
    128: (38, 37.5, 34, 32, 28, -16),
    256: (46, 45.5, 42, 39.5, 37, 28),
    512: (58, 58, 56, 52.5, 48.5, 37),
}
# Given at the ends of the range of AW and where a small network collapses.
_MNIST_ACCURACY = {
    (64, 0): 0.965, (64, 20): 0.27, (64, 50): 0.11,
    (128, 50): 0.14,
    (256, 0): 0.97, (256, 50): 0.93,
    (512, 0): 0.975, (512, 50): 0.96,
}  # fmt: skip


def paper_figures(recipe: Recipe) -> PaperFigures | None:
    """The paper's figures for a run, if it has the paper's settings.

    Args:
        recipe: The run's recipe. Seed, and whether the RLCT is measured, are left out of the comparison.

    Returns:
        The figures, or `None` if any setting differs or the paper did not run it.

    Example:

    >>> paper_figures(TASKS["mnist"].recipe).weight_spread
    0.088
    """
    if recipe.task != "mnist" or recipe.hidden not in _MNIST_SPREAD or recipe.aux_weight not in _AUX_WEIGHTS:
        return None
    wanted = TASKS["mnist"].recipe
    varied = {"hidden": recipe.hidden, "aux_weight": recipe.aux_weight, "seed": recipe.seed}
    same_rlct = {"rlct": None} if recipe.rlct is None else {}
    if recipe != dataclasses.replace(wanted, **varied, **same_rlct):
        return None
    column = _AUX_WEIGHTS.index(recipe.aux_weight)
    return PaperFigures(
        _MNIST_SPREAD[recipe.hidden][column],
        _MNIST_RLCT[recipe.hidden][column],
        _MNIST_ACCURACY.get((recipe.hidden, int(recipe.aux_weight))),
    )
