"""Files that appear complete or not at all, and are read only where there is an end to them."""

import contextlib
import csv
import glob
import io
import os
import stat
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# How the name of a file that is being written starts.
HALF_WRITTEN = ".half-written."


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file beside its place and moves it there, so that neither a reader nor a crash sees half of it.

    Halves beside it that a kill left more than a minute ago are removed.

    Args:
        path: Where the file shall be. Its folder is created.
        write: Writes the file whose path it is given; the suffix is that of `path`.

    Raises:
        OSError: If it cannot be written, such as on a full disk; it names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_char_device() or path.is_block_device():
        _write_to_device(path, write)
        return
    _remove_abandoned(path)
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


def _write_to_device(path: Path, write: Callable[[Path], object]) -> None:
    """Sends a file to a device such as /dev/stdout, in whose place the administrator's programs would put the file."""
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / path.name
        write(part)
        try:
            path.write_bytes(part.read_bytes())
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from error


# Seconds after which nobody goes on writing a file.
ABANDONED = 60


def _remove_abandoned(path: Path) -> None:
    """Removes halves of a file that kills left."""
    for half in path.parent.glob(f"{HALF_WRITTEN}{'?' * 12}.{glob.escape(path.name)}"):
        with contextlib.suppress(OSError):  # Another process was faster, or a folder has the name.
            if time.time() - half.stat().st_mtime > ABANDONED:
                half.unlink()


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
