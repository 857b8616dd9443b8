"""Which settings of a recipe a search may change, and to what."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras_tuner

from keras_selfmodel.experiments import Recipe

# Not the RLCT's settings: with other batches, say, RLCTs could not be compared.
FIXED = ("task", "rlct", "descend", "network", "keep_epochs")
SETTINGS = tuple(field.name for field in dataclasses.fields(Recipe) if field.name not in FIXED)
"""Settings of a recipe that can be searched."""
# The auxiliary weights that are tried by default, in units of the recipe's: for the paper's tasks about its own.
AUX_WEIGHTS = (0, 0.1, 0.2, 0.5, 1, 2, 5)


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, on a logarithmic scale.

    Raises:
        ValueError: If not 0 < low < high.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0 < self.low < self.high and math.isfinite(self.high)):
            raise ValueError(f"A range needs 0 < low < high. Received: low={self.low}, high={self.high}")

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g}"


@dataclass(frozen=True)
class OneOf:
    """Some values, all equally likely; targets are tuples of layer names.

    Raises:
        ValueError: If there are fewer than two, or one is given twice.
    """

    values: tuple

    def __post_init__(self) -> None:
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise ValueError(f"A choice needs at least two values, all different. Received: {self.values}")

    def __str__(self) -> str:
        return ", ".join(_text(value) for value in self.values)


class SearchSpace:
    """Settings of a recipe that are searched; all others stay as in the recipe.

    Args:
        recipe: The other settings, and those of the RLCT, which are the same for all trials.
        settings: A `Range` or `OneOf` by the name of each setting, one of `SETTINGS`.

    Raises:
        ValueError: If there is no such field, there is nothing to search, or a value is out of its range.

    Example:

    >>> from keras_selfmodel.experiments import TASKS
    >>> space = SearchSpace(TASKS["mnist"].recipe, {"hidden": OneOf((64, 128)), "learning_rate": Range(1e-3, 1e-1)})
    >>> space.recipe({"hidden": 128, "learning_rate": 0.01}).name
    'mnist-hidden128-aux10-seed1'
    """

    def __init__(self, recipe: Recipe, settings: Mapping[str, Range | OneOf]) -> None:
        for name in settings:
            if name not in SETTINGS:
                raise ValueError(f"A recipe has no setting {name!r} to search. Settings: {', '.join(SETTINGS)}")
        if not settings:
            raise ValueError("There is nothing to search. Give at least one setting several values, or a range.")
        self.base = recipe
        self.settings = dict(settings)
        ends = {name: v.values if isinstance(v, OneOf) else (v.low, v.high) for name, v in self.settings.items()}
        for name, values in ends.items():
            for value in values:
                if isinstance(getattr(recipe, name), int) and value != int(value):
                    raise ValueError(f"{name} must be a whole number. Received: {value:g}")
        for values in itertools.product(*ends.values()):
            # Says what is wrong with one, or with two together, as a strength that an objective cannot have.
            dataclasses.replace(recipe, **dict(zip(ends, values, strict=True)))

    def hyperparameters(self) -> keras_tuner.HyperParameters:
        """The space as keras-tuner has it."""
        space = keras_tuner.HyperParameters()
        for name, values in self.settings.items():
            whole = isinstance(getattr(self.base, name), int)
            if isinstance(values, OneOf):
                numbers = [_text(v) if isinstance(v, tuple) else v for v in values.values]
                space.Choice(name, [(int if whole else float)(v) for v in numbers] if _numeric(numbers) else numbers)
            elif whole:
                space.Int(name, int(values.low), int(values.high), sampling="log")
            else:
                space.Float(name, values.low, values.high, sampling="log")
        return space

    def recipe(self, values: Mapping) -> Recipe:
        """The recipe with these values of the searched settings, as keras-tuner gives them."""
        chosen = {name: values[name] for name in self.settings}
        for name, ends in self.settings.items():
            if isinstance(ends, Range):  # At its upper end keras-tuner's range of whole numbers goes one too far.
                chosen[name] = type(chosen[name])(min(max(chosen[name], ends.low), ends.high))
        if "targets" in chosen:
            chosen["targets"] = tuple(chosen["targets"].split("+"))
        return dataclasses.replace(self.base, **chosen)

    def to_dict(self) -> dict[str, str]:
        """What is searched, as text: for people, and to distinguish searches."""
        return {name: str(values) for name, values in self.settings.items()}


def space_around(recipe: Recipe, *, sizes: bool = True) -> dict[str, Range | OneOf]:
    """The settings searched by default: around the recipe's.

    Hidden units from an eighth of the recipe's to as many; auxiliary weight 0 and from a tenth of the recipe's to five
    times as much; learning rate from a tenth to ten times as much; batch size a quarter, a half or as many; of several
    targets all, or each alone.

    Args:
        recipe: A recipe.
        sizes: Whether its network can have other numbers of hidden units.
    """
    space: dict[str, Range | OneOf] = {}
    if sizes and recipe.hidden > 1:
        space["hidden"] = Range(max(1, recipe.hidden // 8), recipe.hidden)
    if recipe.aux_weight > 0:
        space["aux_weight"] = OneOf(tuple(float(f"{factor * recipe.aux_weight:.3g}") for factor in AUX_WEIGHTS))
    if len(recipe.targets) > 1:
        space["targets"] = OneOf((recipe.targets, *((target,) for target in recipe.targets)))
    if recipe.learning_rate > 0:
        space["learning_rate"] = Range(recipe.learning_rate / 10, recipe.learning_rate * 10)
    if recipe.batch_size >= 8:
        space["batch_size"] = OneOf((recipe.batch_size // 4, recipe.batch_size // 2, recipe.batch_size))
    return space


def _numeric(values: Sequence) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "+".join(value)
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
