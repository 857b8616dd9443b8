"""How the RLCT of a network of a task is sampled, if not all settings are given."""

import dataclasses

from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.rlct import Convention, SamplingSettings


def sampling_settings(recipe: Recipe, convention: Convention, **changes) -> SamplingSettings:
    """A recipe's sampling if it follows the convention, else the convention's, with changes.

    Args:
        recipe: The task's recipe.
        convention: "dataset" or "paper".
        **changes: Fields of `SamplingSettings`; `None` leaves a field as it is.

    Raises:
        ValueError: If a value is out of its range.

    Example:

    >>> from keras_selfmodel.experiments import TASKS
    >>> sampling_settings(TASKS["mnist"].recipe, "paper", num_chains=2, burn_in=None).num_chains
    2
    """
    start = recipe.rlct
    if start is None or start.convention != convention:
        start = SamplingSettings(convention=convention)
    return dataclasses.replace(start, **{name: value for name, value in changes.items() if value is not None})
