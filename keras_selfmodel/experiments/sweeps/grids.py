"""The settings of many runs: all combinations of a few."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

from keras_selfmodel.experiments.recipe import Recipe

MOST_RUNS = 1_000_000


def grid(recipe: Recipe, *, hidden: Sequence[int], aux_weights: Sequence[float], seeds: Iterable[int]) -> list[Recipe]:
    """All combinations of hidden units, auxiliary weights and seeds, with the other settings of a recipe.

    Args:
        recipe: The other settings.
        hidden: Units of the hidden layer.
        aux_weights: Auxiliary weights.
        seeds: Seeds.

    Returns:
        The recipes, those of one seed together, so that what is there early is a small grid of its own.

    Raises:
        ValueError: If one of the values is out of its range or given twice.

    Example:

    >>> from keras_selfmodel.experiments import TASKS
    >>> [r.name for r in grid(TASKS["mnist"].recipe, hidden=[64], aux_weights=[0, 10], seeds=[1])]
    ['mnist-hidden64-aux0-seed1', 'mnist-hidden64-aux10-seed1']
    """
    seeds = list(seeds)
    runs = len(seeds) * len(hidden) * len(aux_weights)
    if runs > MOST_RUNS:
        raise ValueError(f"A grid may have at most {MOST_RUNS:,} runs. Received: {runs:,}")
    for name, values in {"hidden": hidden, "aux_weights": aux_weights, "seeds": seeds}.items():
        if len(set(values)) != len(values):
            raise ValueError(f"Give each value only once. Received: {name}={list(values)}")
    return [
        dataclasses.replace(recipe, hidden=h, aux_weight=float(a), seed=s)
        for s, h, a in itertools.product(seeds, hidden, aux_weights)
    ]


def objectives_grid(
    recipe: Recipe, strengths: Mapping[str, Sequence[float]], *, hidden: Sequence[int], seeds: Iterable[int]
) -> list[Recipe]:
    """The grids of several objectives, each with auxiliary weights of its own.

    Args:
        recipe: The other settings.
        strengths: Auxiliary weights by objective. 0 stands for the baseline, which is in the grid once.
        hidden: Units of the hidden layer.
        seeds: Seeds.

    Returns:
        The recipes, those of one seed together.

    Raises:
        ValueError: If one of the values is out of its range or given twice.

    Example:

    >>> from keras_selfmodel.experiments import TASKS
    >>> strengths = {"self-modeling": [0, 10], "dropout": [0, 0.5]}
    >>> [r.name for r in objectives_grid(TASKS["mnist"].recipe, strengths, hidden=[64], seeds=[1])]
    ['mnist-hidden64-aux0-seed1', 'mnist-hidden64-aux10-seed1', 'mnist-hidden64-dropout-aux0.5-seed1']
    """
    found = [
        one
        for objective, weights in strengths.items()
        for one in grid(
            dataclasses.replace(recipe, objective=objective, aux_weight=max(weights)),
            hidden=hidden,
            aux_weights=weights,
            seeds=seeds,
        )
    ]
    # Stable: within a seed the order stays, by objective, size and weight.
    return sorted(dict.fromkeys(found), key=lambda one: one.seed)
