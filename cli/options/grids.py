"""Lists of numbers as options, and the paper's grids."""

import math
import re

import click

# Written out, because the help must not import Keras, as the recipes do. A test compares.
GRIDS = {
    "mnist": {"hidden": "64,128,256,512", "aux_weight": "0,1,5,10,20,50", "seeds": "1-10"},
    "cifar10": {"hidden": "2000", "aux_weight": "0,0.5,1,2", "seeds": "1-10"},
    "imdb": {"hidden": "128", "aux_weight": "0,100,500", "seeds": "1-10"},
}

MOST_NUMBERS = 100_000
MOST_SEED = 2**32 - 1


def numbers(text: str | None, kind: type, option: str, *, least: float, most: float = math.inf) -> list:
    """The numbers of a list such as "1,2,5" or "1-10" or "0,0.5,1".

    Args:
        text: The list; `None` for no numbers.
        kind: int or float; only whole numbers have ranges.
        option: The option it comes from, for the error.
        least: The smallest number allowed.
        most: The largest.

    Raises:
        click.UsageError: If the text is not such a list, or a number is too small, too large or given twice.
    """
    found: list = []
    if text is None:
        return found
    for part in text.split(","):
        span = re.fullmatch(r"\s*(\d{1,18})\s*-\s*(\d{1,18})\s*", part) if kind is int else None
        if span and int(span[2]) - int(span[1]) >= MOST_NUMBERS:
            raise click.UsageError(f"{option} may list at most {MOST_NUMBERS:,} numbers. Received: {text!r}.")
        if span and int(span[1]) > int(span[2]):
            turned = f"{span[2]}-{span[1]}"
            raise click.UsageError(f"{option}: a range goes from small to large, such as {turned}. Received: {text!r}.")
        try:
            found += range(int(span[1]), int(span[2]) + 1) if span else [kind(part)]
        except ValueError:
            example = "1,2,5 or 1-10" if kind is int else "0,0.5,10"
            raise click.UsageError(f"{option} must be a list such as {example}. Received: {text!r}.") from None
    if not found or min(found) < least or not all(math.isfinite(number) for number in found):
        raise click.UsageError(f"{option}: every number must be finite and at least {least}. Received: {text!r}.")
    if max(found) > most:
        raise click.UsageError(f"{option}: every number must be at most {most:,}. Received: {text!r}.")
    if len(set(found)) < len(found):
        raise click.UsageError(f"{option} lists a number twice. Received: {text!r}.")
    return found
