"""The program's output: tables on standard output, progress and warnings on standard error."""

import importlib.util
import json
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ksm_cli.arguments_as_options import in_options
from ksm_cli.backend import installation
from ksm_cli.streams import has_all_signs

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

# In a file or a pipe: a command of minutes leaves a line for each of its parts, one of hours a few more.
SECONDS_BETWEEN_LINES = 60.0


def require(*modules: str, extra: str = "experiments") -> None:
    """Stops a command that needs packages of an extra before it starts, not at its end.

    Args:
        *modules: Their names as imported.
        extra: The extra that brings them.

    Raises:
        click.ClickException: If a module is not installed.
    """
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise click.ClickException(f"This command needs {', '.join(missing)}: {installation.installing(extra)}")


def print_json(values: dict | list) -> None:
    """Prints a result for programs to read: JSON in the encoding of the output, in which any name can be written."""
    text = json.dumps(values, indent=2, ensure_ascii=not has_all_signs(), allow_nan=False)
    # What Python reads of a name that is no UTF-8; JSON writes it as ASCII alone.
    click.echo(re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text))


def printable(text: str) -> str:
    """A text for a terminal, in which control characters, and marks that nobody sees, are spelled out.

    More of them than where files are read, whose names must stay what they are.
    """
    if text.isprintable():
        return text
    return "".join(one if one in "\n\t" or one.isprintable() else ascii(one)[1:-1] for one in text)


def shown(path: str | os.PathLike) -> str:
    """A path in one line, with control characters and line ends spelled out."""
    return printable(os.fspath(path)).replace("\n", "\\n").replace("\t", "\\t")


def next_steps(*lines: tuple[str, str]) -> None:
    """Says on standard error what to do with a result.

    Args:
        *lines: Commands, and what each of them is for.
    """
    for start, (command, purpose) in zip(["Next:", *[""] * len(lines)], lines, strict=False):
        click.echo(shown(f"{start:<6}{command}  # {purpose}"), err=True)


def print_table(table: "Table") -> None:
    """Prints a `rich.table.Table`, without color if standard output is not a terminal.

    What looks like rich's markup or a terminal's escape sequence is shown, not obeyed: cells hold names from files.
    """
    from rich.console import Console

    class Literally(Console):
        def render_str(self, text, **options):
            return super().render_str(printable(text), **options)

    Literally(markup=False, emoji=False).print(table)


def write_all(*writers: Callable[[], object]) -> None:
    """Writes files of a result, each of them even if another could not be written.

    Raises:
        OSError: The error of the last that failed; those of others are printed.
    """
    failed: OSError | None = None
    for write in writers:
        try:
            write()
        except OSError as error:
            if failed is not None:
                click.secho(f"Error: {printable(f'{failed.filename}: {failed.strerror}.')}", fg="yellow", err=True)
            failed = error
    if failed is not None:
        raise failed


def reraise(error: OSError) -> None:
    """Raises the error of a file that could not be written earlier, as one of the writers of `write_all`."""
    raise error


def figure_writers(
    figures: Mapping[str, "Figure"], folder: Path, formats: Sequence[str]
) -> dict[str, Callable[[], None]]:
    """What writes each figure in each format, for `write_all`, by its file.

    Args:
        figures: Figures by name.
        folder: Where they are written.
        formats: Suffixes without the dot.
    """
    from keras_selfmodel.reporting import write_figure

    files = {folder / f"{name}.{suffix}": figure for name, figure in figures.items() for suffix in formats}
    return {str(file): partial(write_figure, figure, file) for file, figure in files.items()}


def usage_error(error: ValueError) -> click.UsageError:
    """Turns the package's error about an argument into one about the option that gave it."""
    return click.UsageError(printable(in_options(str(error))))


@contextmanager
def spoken_warnings() -> Iterator[list[type[Warning]]]:
    """Shows warnings as sentences, without the line of code they come from. Yields the list of their kinds."""
    kinds: list[type[Warning]] = []

    def show(message, category, *_, **__) -> None:
        kinds.append(category)
        click.secho(f"Warning: {printable(in_options(str(message)))}", fg="yellow", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield kinds


class Interrupted(click.ClickException):
    """Ctrl-C was pressed, or a signal asked the program to end."""

    def __init__(self, advice: str = "") -> None:
        super().__init__(f"Interrupted. {advice}".rstrip())


class Bar:
    """A progress bar with the time left on a terminal; elsewhere at most one line a minute, and one at the end.

    Args:
        quiet: Whether to print nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._progress: Any = None  # `LiveBars`, whose import takes a while
        self._tasks: dict[str, int] = {}
        self._phase: int | None = None
        self._loading = ""
        self._said: dict[str, int] = {}
        self._shown: tuple[str, int, int] | None = None
        self._moment = time.monotonic()  # of the last line
        running = click.get_current_context(silent=True)
        verbose = running is not None and running.find_root().params.get("verbose")
        self._seconds_between_lines = 0.0 if verbose else SECONDS_BETWEEN_LINES

    def __enter__(self) -> "Bar":
        if self._terminal and not self._quiet:
            from ksm_cli.live_bars import terminal_progress

            self._progress = terminal_progress()
            self._progress.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()

    def end(self) -> None:
        """Ends the bar, so that other output can follow."""
        if self._progress is not None:
            self._end_phase()
            self._progress.stop()

    def loading(self, words: str) -> None:
        """As `phase`; outside a terminal it is printed afterwards, so that errors about options stand alone."""
        if self._progress is not None:
            self.phase(f"loading {words}")
        self._loading, self._moment = words, time.monotonic()

    def phase(self, words: str) -> None:
        """Shows what begins: on a terminal by a moving line until the next part, elsewhere by a plain line."""
        if self._quiet:
            return
        if self._progress is not None:
            self._end_phase()
            self._phase = self._progress.add_phase(f"{words} …")
        else:
            self.loaded()
            self._say(f"{words} …")

    def loaded(self) -> None:
        """Shows that loading has ended; the next part does so too."""
        if self._progress is not None:
            self._end_phase()
        elif self._loading and not self._quiet:
            self._say(f"loaded {self._loading} in {time.monotonic() - self._moment:.0f} s")
        self._loading = ""

    def _end_phase(self) -> None:
        if self._phase is not None:
            self._progress.remove_task(self._phase)
            self._phase = None

    def _say(self, line: str) -> None:
        self._moment = time.monotonic()
        click.echo(line, err=True)

    def show(self, part: str, done: int, total: int, note: str = "") -> None:
        """Shows how many units of a part are done."""
        if self._quiet:
            return
        if self._progress is not None:
            self._end_phase()
            if part not in self._tasks:
                self._tasks[part] = self._progress.add_task(part, total=total, note=note)
            self._progress.update(self._tasks[part], completed=done, total=total, note=note)
            return
        self.loaded()
        if self._shown == (part, done, total):
            return
        self._shown = (part, done, total)
        tenth = done >= self._said.get(part, 0) + total / 10
        if done == total or (tenth and time.monotonic() >= self._moment + self._seconds_between_lines):
            self._said[part] = done
            self._say(f"{part} {done}/{total} {note}".rstrip())
