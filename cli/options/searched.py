"""Options that name several values of a setting, or a range of them."""

import math
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keras_selfmodel.tuning import OneOf, Range


def search_values(text: str | None, kind: type, option: str, *, least: float) -> "float | OneOf | Range | None":
    """What "64", "64,128" or "64:512" asks for.

    Args:
        text: The option's value.
        kind: int or float.
        option: Its name, for the error.
        least: The smallest number allowed.

    Returns:
        `None` if there is no text, a number, or a `OneOf` or `Range`.

    Raises:
        click.UsageError: If the text is none of these, or a number is out of its range.
    """
    from keras_selfmodel.tuning import OneOf, Range

    if text is None:
        return None
    parts = text.split(":") if ":" in text else text.split(",")
    try:
        numbers = [kind(part) for part in parts]
    except ValueError:
        example = "64, 64,128 or 64:512" if kind is int else "0.1, 0.1,1 or 0.01:1"
        raise click.UsageError(
            f"{option} must be one value, a list or a range: {example}. Received: {text!r}."
        ) from None
    if not all(math.isfinite(number) and number >= least for number in numbers):
        raise click.UsageError(f"{option}: every number must be finite and at least {least}. Received: {text!r}.")
    if len(numbers) == 1:
        return numbers[0]
    if ":" not in text:
        if len(set(numbers)) < len(numbers):
            raise click.UsageError(f"{option}: the values of a list must all be different. Received: {text!r}.")
        return OneOf(tuple(numbers))
    if len(numbers) != 2 or not 0 < numbers[0] < numbers[1]:
        raise click.UsageError(f"{option}: a range is two numbers above 0, the smaller one first. Received: {text!r}.")
    return Range(*numbers)
