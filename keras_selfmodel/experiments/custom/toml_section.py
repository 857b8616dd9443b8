"""The sections of a TOML file: names and types of their values."""

from collections.abc import Mapping
from typing import Any

from keras_selfmodel.experiments.custom.recipe_file_error import RecipeFileError


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


KINDS = {
    "a text": lambda value: isinstance(value, str),
    "a whole number": _is_whole,
    "a number": lambda value: _is_whole(value) or isinstance(value, float),
    "true or false": lambda value: isinstance(value, bool),
    "a section": lambda value: isinstance(value, dict),
    "a section or false": lambda value: isinstance(value, dict) or value is False,
    "a list of texts": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value),
    "a list of two whole numbers": lambda value: (
        isinstance(value, list) and [_is_whole(v) for v in value] == [True] * 2
    ),
}
"""What a value can be asked to be."""


def checked_section(where: str, values: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """The values of a section, once their names and types are known to be right.

    Args:
        where: The section, for the error, such as "my.toml, [data]".
        values: What it holds.
        kinds: What each key that is possible holds, by the names in `KINDS`.

    Raises:
        RecipeFileError: If a key is not possible, or a value of another type.

    Example:

    >>> checked_section("my.toml, [training]", {"momentun": 0.5}, {"epochs": "a whole number", "momentum": "a number"})
    Traceback (most recent call last):
    ...
    keras_selfmodel.experiments.custom.recipe_file_error.RecipeFileError: my.toml, [training]: unknown key 'momentun'.
    Possible: epochs, momentum.
    """
    unknown = [key for key in values if key not in kinds]
    if unknown:
        keys = "key" if len(unknown) == 1 else "keys"
        raise RecipeFileError(f"{where}: unknown {keys} {', '.join(map(repr, unknown))}. Possible: {', '.join(kinds)}.")
    for key, value in values.items():
        if not KINDS[kinds[key]](value):
            raise RecipeFileError(f"{where}: {key} must be {kinds[key]}. Received: {value!r}")
    return dict(values)


def the_one_of(where: str, values: Mapping[str, Any], keys: tuple[str, ...], *, needed: bool) -> str | None:
    """Which of several keys that exclude each other is there.

    Args:
        where: The section, for the error.
        values: What it holds.
        keys: The keys.
        needed: Whether there must be one.

    Raises:
        RecipeFileError: If there is more than one, or none and one is needed.
    """
    given = [key for key in keys if key in values]
    if len(given) > 1 or (needed and not given):
        amount = "exactly one" if needed else "at most one"
        raise RecipeFileError(
            f"{where}: give {amount} of {', '.join(keys)}. Received: {', '.join(given) or 'none of them'}."
        )
    return given[0] if given else None
