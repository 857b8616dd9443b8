"""Files that appear complete or not at all, and are read only where there is an end to them."""

import contextlib
import csv
import io
import os
import stat
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

# How the name of a file that is being written starts.
HALF_WRITTEN = ".half-written."


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file beside its place and moves it there, so that neither a reader nor a crash sees half of it.

    A kill may leave a half beside it, which `remove_halves` removes. What is no file, such as a pipe or a device, or
    is an open file of this process, such as /dev/stdout, is written to and stays.

    Args:
        path: Where the file shall be. Its folder is created.
        write: Writes the file whose path it is given; the suffix is that of `path`.

    Raises:
        OSError: If it cannot be written, such as on a full disk; it names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    there = _written_to(path)
    if there is not None:
        _send(path, there, write)
        return
    # Not a process's number, which two machines that share a folder may both have.
    temporary = path.with_name(f"{HALF_WRITTEN}{uuid.uuid4().hex[:12]}.{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is None:  # of a library that writes in its own way
            raise
        # The name the caller knows; h5py names none, and puts the reason elsewhere.
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


# Links that lead to other links, at most, as on Linux.
MOST_LINKS = 40


def _written_to(path: Path) -> Path | int | None:
    """What a file is sent to where none may be put in its place, as an administrator's programs would.

    Returns:
        The path, if there is a device, a pipe or anything else that is no file, or it lies in /dev; the number of an
        open file of this process, for /dev/stdout and its like, since to open such a file again is to write over what
        is in it; `None` for all other paths. Links are followed.
    """
    place = path
    for _ in range(MOST_LINKS):
        folder = place.parent.resolve()
        if folder in (Path("/dev/fd"), Path(f"/proc/{os.getpid()}/fd")) and place.name.isdecimal():
            return int(place.name)
        if folder == Path("/dev") and not place.is_symlink():
            return path
        if not place.is_symlink():
            break
        place = folder / place.readlink()
    return path if path.exists() and not path.is_file() else None


def _send(path: Path, there: Path | int, write: Callable[[Path], object]) -> None:
    """Writes a file elsewhere and sends its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / path.name
        write(part)
        try:
            with open(there, "wb", closefd=not isinstance(there, int)) as stream:
                stream.write(part.read_bytes())
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from error


def remove_halves(folder: Path, *names: str) -> None:
    """Removes the halves that kills left of files.

    For whoever opens a folder to write in it, once, while nobody else writes these files: neither the name of a half
    nor its time, which another machine's clock may have given it, says whether it is being written.

    Args:
        folder: The folder, which may be missing.
        names: Patterns of the files' names, as `fnmatch` reads them.
    """
    for half in os.listdir(folder) if folder.is_dir() else ():
        name = half.removeprefix(HALF_WRITTEN)
        if name != half and any(fnmatchcase(name.partition(".")[2], pattern) for pattern in names):
            with contextlib.suppress(OSError):  # It does no harm, and what is to be written may still succeed.
                (folder / half).unlink()


# A table or record of more bytes than this is none of ours.
LARGEST_FILE = 2**28


class UnreadableFileError(ValueError):
    """Something lies where a file should be, or the file may not be read."""


def size_of(path: Path) -> int:
    """The number of bytes of a file, which is there to be read to its end.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is none.
        UnreadableFileError: If there is a folder, or a pipe or device, which might have no end. The text says which,
            and starts with "it".
    """
    try:
        there = path.stat()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read: {error.strerror}") from error
    if stat.S_ISDIR(there.st_mode):
        raise UnreadableFileError("it is a folder")
    if not stat.S_ISREG(there.st_mode):
        raise UnreadableFileError("it is a pipe, a socket or a device, not a file")
    return there.st_size


def content_of(path: Path) -> bytes:
    """The bytes of a table, record or recipe.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is none.
        UnreadableFileError: If it is none that `size_of` takes, is too large, or cannot be read. The text says which,
            and starts with "it".
    """
    size = size_of(path)
    if size > LARGEST_FILE:
        raise UnreadableFileError(f"it has {size:,} bytes, more than {LARGEST_FILE:,}")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read: {error.strerror}") from error


def write_csv(path: Path, rows: Sequence[Mapping]) -> None:
    """Writes rows as a table whose columns are those of the first row; nothing is written without rows.

    Texts that a spreadsheet would take for a formula are written with an apostrophe before them; numbers stay numbers.
    """
    if not rows:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)
    write_whole(path, lambda file: file.write_text(text.getvalue(), encoding="utf-8"))


def _no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
