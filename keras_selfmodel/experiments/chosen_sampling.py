"""How the RLCT of a network of a task is sampled, if not all settings are given."""

import dataclasses
from typing import TYPE_CHECKING, Any, Unpack

from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.rlct import SamplingSettings

if TYPE_CHECKING:
    from keras_selfmodel.rlct.sampling_changes import SamplingChanges


def sampling_settings(recipe: Recipe, **changes: "Unpack[SamplingChanges]") -> SamplingSettings:
    """The sampling settings of a recipe, or the defaults of another convention if that is wanted, with changes.

    Args:
        recipe: The task's recipe.
        **changes: Fields of `SamplingSettings`; `None` leaves a field as it is. Convention: "dataset" if not given.

    Raises:
        ValueError: If a value is out of its range.

    Example:

    >>> from keras_selfmodel.experiments import TASKS
    >>> sampling_settings(TASKS["mnist"].recipe, convention="paper", num_chains=2, burn_in=None).num_chains
    2
    """
    convention, start = changes.get("convention", "dataset"), recipe.rlct
    if start is None or start.convention != convention:
        start = SamplingSettings(convention=convention)
    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(start, **given)


def clipped_to(recipe: Recipe, samples: int) -> Recipe:
    """A recipe whose RLCT is sampled in batches no larger than the data.

    Only a batch size that equals that of the training is reduced. Any other was chosen by somebody: it stays, and is
    refused later if there are too few samples.

    Args:
        recipe: Any recipe.
        samples: Number of training samples.

    Example:

    >>> from keras_selfmodel.experiments import TASKS
    >>> recipe = TASKS["mnist"].recipe
    >>> clipped_to(recipe, 256).rlct.batch_size, clipped_to(recipe, 60_000).rlct.batch_size
    (256, 512)
    """
    sampling = recipe.rlct
    if sampling is None or sampling.batch_size != recipe.batch_size or not 2 <= samples < recipe.batch_size:
        return recipe
    return dataclasses.replace(recipe, rlct=dataclasses.replace(sampling, batch_size=samples))
