"""Formats of figures: the part of a file's name, or a list of them."""

from pathlib import Path

import click

# Written out, because the help must not import the package. A test compares.
FORMATS = ("png", "svg")


def figure_file(context: click.Context, parameter: click.Parameter, file: Path | None) -> Path | None:
    """Refuses, before anything is computed, a file whose suffix is no format of figures."""
    if file is not None and file.suffix[1:] not in FORMATS:
        raise click.BadParameter(f"The file must end in .{' or .'.join(FORMATS)}. Received: '{file}'.")
    return file


def format_list(text: str) -> list[str]:
    """The formats of a list such as "png,svg".

    Raises:
        click.UsageError: If one of them is not a format.
    """
    chosen = list(dict.fromkeys(part.strip().lower() for part in text.split(",")))
    for name in chosen:
        if name not in FORMATS:
            raise click.UsageError(f"--format must be {' or '.join(FORMATS)}, or both. Received: {text!r}.")
    return chosen
