"""The finished runs of a folder, for the commands that read them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ksm_cli.output import printable, shown

if TYPE_CHECKING:
    from keras_selfmodel.experiments import FoundRuns


folder_argument = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))


class NetworkFile(click.Path):
    """A file that holds a network; where the folder of a run is given instead, its network is named."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        file = Path(value) / "model.keras"
        if file.is_file():
            self.fail(f"'{value}' is a folder. To take the network in it, give {file}.", param, ctx)
        return super().convert(value, param, ctx)


def folders_argument(metavar: str) -> Callable[[Callable], Callable]:
    """The argument of one or more folders, as the usage line shows it."""
    kind = click.Path(exists=True, file_okay=False, path_type=Path)
    return click.argument("folders", metavar=metavar, nargs=-1, required=True, type=kind, callback=each_once)


def each_once(context: click.Context, parameter: click.Parameter, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Refuses a folder that is given twice, under whatever name."""
    places = [folder.resolve() for folder in folders]
    for folder, place in zip(folders, places, strict=True):
        if places.count(place) > 1:
            raise click.UsageError(f"Give each folder only once. Received twice: {folder}.")
    return folders


# Number of runs listed for each shortcoming; the report lists all.
FOLDERS_NAMED = 5


def finished(folder: Path) -> "FoundRuns":
    """The finished runs in a folder; those left out, and what the others lack, are listed on standard error.

    Returns:
        An `experiments.FoundRuns` with at least one result.

    Raises:
        click.ClickException: If there is none.
    """
    from keras_selfmodel import experiments
    from keras_selfmodel.experiments.places import run_places

    found = experiments.find_runs(folder)
    say_damaged(found.damaged)
    if not found.results:
        unfinished = len(run_places(folder, "config.json").folders)
        state = f"only unfinished runs ({unfinished})" if unfinished else "no runs"
        state = "no run that can be read" if found.damaged else state
        raise click.ClickException(f"{folder} contains {state}. Create runs with ksm run or ksm sweep.")
    say_shortcomings(found.results)
    return found


def say_damaged(damaged: Sequence) -> None:
    """Lists the runs that are left out, each with the file, the reason and what to do."""
    from keras_selfmodel.experiments.folder_errors import UnreadableFolderError

    for error in damaged:
        click.secho(f"Left out: {shown(error.file)} is {error.state}: {printable(error.reason)}", fg="yellow", err=True)
    if any(not isinstance(error, UnreadableFolderError) for error in damaged):
        advice = "To compute damaged runs again, use ksm sweep --retry-failed, or remove their folders."
        click.secho(advice, fg="yellow", err=True)


def say_shortcomings(results: Sequence) -> None:
    """Lists what finished runs lack, such as a history."""
    from keras_selfmodel import experiments

    said: dict[str, list[str]] = {}
    for result in results:
        for sentence in experiments.shortcomings(result):
            said.setdefault(sentence, []).append(shown(result.folder))
    for sentence, folders in said.items():
        more = f" and {len(folders) - FOLDERS_NAMED} more" if len(folders) > FOLDERS_NAMED else ""
        click.secho(f"Warning: {', '.join(folders[:FOLDERS_NAMED])}{more}: {sentence}", fg="yellow", err=True)
