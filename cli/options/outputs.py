"""Files and folders that a command writes, as options: what cannot be is refused before anything is computed."""

import os
from pathlib import Path
from typing import Any

import click


class Output(click.Path):
    """A file or folder to be written, in a folder that is there or can be made.

    Args:
        folder: Whether it is a folder.
    """

    def __init__(self, *, folder: bool) -> None:
        super().__init__(path_type=Path, file_okay=not folder, dir_okay=folder)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        try:
            there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
        except OSError as error:
            self.fail(f"'{value}' cannot be written: {error.strerror}.", param, ctx)
        if there != path.absolute() and not there.is_dir():
            self.fail(f"'{value}' cannot be written: {there} is not a folder.", param, ctx)
        if there.is_dir() and not os.access(there, os.W_OK):
            self.fail(f"'{value}' cannot be written: {there} is protected.", param, ctx)
        return path


def check_distinct(inputs: dict[str, Path | None], outputs: dict[str, Path | None]) -> None:
    """Makes sure that no file that a command writes replaces one that it reads, or another one that it writes.

    Args:
        inputs: Files that are read, by the option or argument; `None` for none.
        outputs: Files that are written.

    Raises:
        click.UsageError: If two are one file. Devices, such as /dev/null, may be given twice.
    """
    seen: dict[Path, str] = {}
    for option, file in (inputs | outputs).items():
        if file is None or (file.exists() and not file.is_file()):
            continue
        place = file.resolve()
        if option in outputs and place in seen:
            raise click.UsageError(f"{seen[place]} and {option} must be different files. Received: '{file}' for both.")
        seen[place] = option
