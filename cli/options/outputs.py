"""Files and folders that a command writes, as options: what cannot be is refused before anything is computed."""

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from keras_selfmodel.experiments import CustomTask

# Written out, because the help must not import the package; patterns. A test compares.
OF_A_RUN = (
    "config.json", "metrics.json", "seconds.json", "failed.json", "history.csv", "*.keras", "*traces.npz",
    "sampling-*.npz", "compression.json", "identity.json", "identity.csv", ".lock",
)  # fmt: skip
FIGURES_OF_A_RUN = ("spread.png", "losses.png", "weights.png", "rlct*.png", "identity.png")
OF_RUNS_TOGETHER = ("results.csv", ".results.lock", "trials.csv", "trials.json", "search.json")


class Output(click.Path):
    """A file or folder to be written, in a folder that is there or can be made.

    A file that is there is replaced only if it can be an earlier one of its kind, and never if it is a result of a run,
    a sweep or a search.

    Args:
        folder: Whether it is a folder.
        endings: How the name of a file ends that may be replaced, such as ".csv"; empty if any file may.
        read_again: Whether the file is also read, so that a pipe or a device will not do.
        only_read_with: Name of the flag with which a folder that is there is only read. It must be eager, so that it is
            known when the folder is looked at.
    """

    def __init__(
        self, *, folder: bool, endings: tuple[str, ...] = (), read_again: bool = False, only_read_with: str = ""
    ) -> None:
        super().__init__(path_type=Path, file_okay=not folder, dir_okay=folder)
        self._endings, self._read_again, self._only_read_with = endings, read_again, only_read_with

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        try:
            return self._checked(path, value, param, ctx)
        except OSError as error:
            self.fail(f"'{value}' cannot be written: {error.strerror}.", param, ctx)

    def _checked(self, path: Path, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, if it can be written; an `OSError` if it cannot even be looked at."""
        if ".." in path.parts and not path.parent.exists():
            # What leads back out of a folder that is missing leads elsewhere once the folder has been made.
            path = path.resolve()
        if _is_of_the_system(path) and not self._read_again:
            return path
        there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
        if there != path.absolute() and not there.is_dir():
            self.fail(f"'{value}' cannot be written: {there} is not a folder.", param, ctx)
        only_read = ctx is not None and ctx.params.get(self._only_read_with) and path.is_dir()
        if there.is_dir() and not os.access(there, os.W_OK) and not only_read:
            self.fail(f"'{value}' cannot be written: {there} is protected.", param, ctx)
        whole = path.resolve()
        is_result = not _is_of_the_system(path) and (_is_a_result(path.absolute()) or _is_a_result(whole))
        if is_result and not whole.exists():
            self.fail(f"'{value}' is where ksm keeps a result of a run. Choose another name.", param, ctx)
        if whole.is_file() and not _is_of_the_system(path):
            if is_result:
                self.fail(f"'{value}' is a result of ksm, which would be lost. Choose another file.", param, ctx)
            if self._endings and whole.suffix.lower() not in self._endings:
                endings = " or ".join(self._endings)
                self.fail(
                    f"'{value}' is there and does not end in {endings}, so it may be something else. Choose another "
                    "file, or remove it.",
                    param,
                    ctx,
                )
        elif self._read_again and path.exists():
            self.fail(f"'{value}' is a pipe or a device, which cannot be read again. Choose a file.", param, ctx)
        return path


def _is_of_the_system(path: Path) -> bool:
    """Whether it stands for an open file of this process, such as /dev/stdout, or for a device."""
    return path.absolute().parent in (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))


def _is_a_result(file: Path) -> bool:
    """Whether a path is where, and named as, a run, a sweep, a search, or what examines runs writes its results."""

    def named(patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(file.name, pattern) for pattern in patterns)

    def is_run(folder: Path) -> bool:
        return any(os.path.isfile(folder / name) for name in ("config.json", "metrics.json"))

    folder = file.parent
    if is_run(folder):
        return named(OF_A_RUN)
    if is_run(folder.parent):
        return folder.name == "epochs" or (folder.name == "figures" and named(FIGURES_OF_A_RUN))
    if named(OF_RUNS_TOGETHER) and folder.is_dir():
        with os.scandir(folder) as beside:
            return any(one.is_dir() and is_run(Path(one)) for one in beside)
    return False


def check_distinct(
    inputs: dict[str, Path | None], outputs: dict[str, Path | None], folders: dict[str, Path | None] | None = None
) -> None:
    """Makes sure that no file that a command writes replaces one that it reads, or another one that it writes.

    Args:
        inputs: Files that are read, by the option or argument; `None` for none.
        outputs: Files that are written.
        folders: Folders that further files are written to.

    Raises:
        click.UsageError: If two are one file, or a file would have to be a folder for another. Devices, such as
            /dev/null, may be given twice.
    """
    seen: dict[Path, str] = {}
    written = outputs | (folders or {})
    for option, file in (inputs | written).items():
        if file is None or (file.exists() and not file.is_file()):
            continue
        place = file.resolve()
        if option in written and place in seen:
            raise click.UsageError(f"{seen[place]} and {option} must be different files. Received: '{file}' for both.")
        seen[place] = option
    for option, file in written.items():
        for place in [] if file is None else file.resolve().parents:
            if seen.get(place) in outputs:
                raise click.UsageError(
                    f"{seen[place]} is a file, and {option} would lie in it. Received: '{outputs[seen[place]]}' and "
                    f"'{file}'."
                )


def check_no_figure(option: str, file: Path | None, folder: Path, figures: str) -> None:
    """Makes sure that a file is none of the figures that a command draws, whose number is not yet known.

    Args:
        option: The option that names the file.
        file: The file; `None` for none.
        folder: Where the figures are drawn.
        figures: Their names, as a pattern.

    Raises:
        click.UsageError: If it is one.
    """
    if file is None:
        return
    place = file.resolve()
    if place.parent == folder.resolve() and fnmatchcase(place.name, figures):
        raise click.UsageError(f"{option} must not be a figure that is drawn in {folder}. Received: '{file}'.")


def check_spared(task: "CustomTask", outputs: dict[str, Path | None]) -> None:
    """Makes sure that nothing that a command writes replaces, or lies among, the data and files that a recipe names.

    Args:
        task: The task that the recipe describes.
        outputs: Files and folders that are written, by the option.

    Raises:
        click.UsageError: If one does.
    """
    for source in task.sources:
        for option, output in outputs.items():
            if output is not None and output.resolve().is_relative_to(source.resolve()):
                what = "is" if output.resolve() == source.resolve() else "lies in"
                raise click.UsageError(
                    f"{option} must not replace what {task.file} names or lie in it. Received: '{output}', which "
                    f"{what} '{source}'."
                )
