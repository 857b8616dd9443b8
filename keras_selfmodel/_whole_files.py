"""Files that appear complete or not at all, and are read only where there is an end to them."""

import contextlib
import csv
import functools
import hashlib
import io
import os
import re
import stat
import tempfile
import tokenize
import unicodedata
import uuid
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from keras_selfmodel._control_characters import escaped

# Longer paths are shortened in errors.
LONGEST_PATH = 1000
# How the name of a file that is being written starts.
PARTIAL = ".half-written."
# Bytes of the whole file's name in it, at most: file systems take names of 255.
LONGEST_END = 100


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file beside its place and moves it there, so that neither a reader nor a crash sees a part of it.

    A kill may leave a partial file beside it. The next writer to that folder removes it if its process is known to have
    ended; `remove_partial_files` does in any case. A path that is not a regular file (a pipe or a device) or that this
    process has open (/dev/stdout) is written to directly and never replaced. A link is followed: the file that it leads
    to is written.

    Args:
        path: Where the file shall be. Its folder is created.
        write: Writes the file whose path it is given; the suffix is that of `path`.

    Raises:
        OSError: If it cannot be written, such as on a full disk; it names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    place = _end_of_links(path)
    if not path.is_symlink() or place.is_symlink():  # no link, or one that leads around
        whole = path
    else:
        whole = place
        place.parent.mkdir(parents=True, exist_ok=True)
    if _is_open_here(place):
        # By its number: to open such a file again is to write over what is in it.
        _send(path, int(place.name), write)
        return
    if not _may_be_replaced(path):
        _send(path, path, write)
        return
    _remove_abandoned(whole.parent.absolute())
    temporary = whole.with_name(f"{PARTIAL}{_system()}-{os.getpid()}-{uuid.uuid4().hex[:12]}.{_end_of_name(whole)}")
    try:
        write(temporary)
        os.replace(temporary, whole)
    except OSError as error:
        if error.errno is None:  # of a library that writes in its own way
            raise
        # The name the caller knows; h5py names none, and puts the reason elsewhere.
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with contextlib.suppress(OSError):  # On a protected disk there is none, and the first error says why.
            temporary.unlink(missing_ok=True)


def _end_of_name(file: Path) -> str:
    """A name, or the end of one so long that it leaves no room for what is put before it."""
    name = os.fsencode(file.name)
    return file.name if len(name) <= LONGEST_END else name[-LONGEST_END:].decode("utf-8", "ignore")


@functools.cache
def _system() -> str:
    """What distinguishes the running system from others that share its folders; "" where that is not known.

    A number of a process means one process only within a name space of a system between two of its starts.
    """
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        space = os.readlink("/proc/self/ns/pid")
    except (OSError, ValueError):  # not Linux
        return ""
    return hashlib.sha256(f"{started} {space}".encode()).hexdigest()[:12]


@functools.lru_cache(maxsize=100_000)  # once: folders may hold thousands of files
def _remove_abandoned(folder: Path) -> None:
    """Removes partial files whose process, of this system, is gone."""
    ours = re.compile(rf"{re.escape(PARTIAL)}{_system()}-(\d+)-.*", re.DOTALL)
    with contextlib.suppress(OSError):  # They do no harm, and what is to be written may still succeed.
        for partial in os.listdir(folder) if _system() else ():
            found = ours.fullmatch(partial)
            if found and not _lives(int(found[1])):
                (folder / partial).unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        pass
    return True


# Links that lead to other links, at most, as on Linux.
MOST_LINKS = 40


def _end_of_links(path: Path) -> Path:
    """Where links lead; those of this process's open files, such as that of /dev/stdout, are not followed further."""
    place = path
    for _ in range(MOST_LINKS):
        place = place.parent.resolve() / place.name
        if _is_open_here(place) or not place.is_symlink():
            break
        place = place.parent / place.readlink()
    return place


def is_standard_output(path: Path) -> bool:
    """Whether it stands for this process's standard output, as /dev/stdout does."""
    place = _end_of_links(path)
    return _is_open_here(place) and int(place.name) == 1


def _is_open_here(place: Path) -> bool:
    """Whether it stands for an open file of this process, whose number is its name."""
    return place.name.isdecimal() and place.parent in (Path("/dev/fd"), Path(f"/proc/{os.getpid()}/fd"))


def _may_be_replaced(path: Path) -> bool:
    """Not so a pipe, a device or anything in /dev, where an administrator's programs could put a file in its place."""
    return _end_of_links(path).parent != Path("/dev") and (path.is_file() or not path.exists())


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


def remove_partial_files(folder: Path, *names: str) -> None:
    """Removes the partial files that kills left behind.

    For whoever opens a folder to write in it, once, while nobody else writes these files: of a partial file of another
    machine, neither the name nor the time, which may be another clock's, says whether it is being written.

    Args:
        folder: The folder, which may be missing.
        names: Patterns of the whole files' names, as `fnmatch` reads them.
    """
    for partial in os.listdir(folder) if folder.is_dir() else ():
        name = partial.removeprefix(PARTIAL)
        if name != partial and any(fnmatchcase(name.partition(".")[2], pattern) for pattern in names):
            with contextlib.suppress(OSError):  # It does no harm, and what is to be written may still succeed.
                (folder / partial).unlink()


# A table or record of more bytes than this is none of ours.
LARGEST_FILE = 2**28
# What NumPy, which reads the headers of arrays as Python, and zipfile raise for what is no file of `np.savez`.
UNREADABLE_ARRAYS = (
    OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, OverflowError, RuntimeError, SyntaxError,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


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


def why_no_file(path: Path) -> str:
    """Why there is nothing to be read to its end, as a sentence without a full stop; "" if there is a file.

    Args:
        path: The file.
    """
    try:
        size_of(path)
    except FileNotFoundError:
        return f"there is no file {_short(path)}"
    except ValueError as error:  # an `UnreadableFileError`, or a name with a null byte
        return f"there is no file {_short(path)} to read: {error}"
    return ""


def _short(path: Path) -> str:
    """A path as it stands in an error; of one longer than systems take only its start."""
    return text if len(text := str(path)) <= LONGEST_PATH else f"{text[:97]}…"


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

    Texts that a spreadsheet would take for a formula are written with an apostrophe before them, and control characters
    as what names them; numbers stay numbers.
    """
    if not rows:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)
    write_whole(path, lambda file: file.write_text(text.getvalue(), encoding="utf-8"))


def _no_formula(value: object) -> object:
    if not isinstance(value, str):
        return value
    # Spreadsheets skip white space before a formula, and some read the full-width forms of its signs. Nobody sees what
    # only formats, such as a mark that turns the direction of writing.
    seen = "".join(one for one in value if unicodedata.category(one) != "Cf").lstrip()
    first = unicodedata.normalize("NFKC", seen[:1])
    text = escaped(value)
    return f"'{text}" if first in ("=", "+", "-", "@") or value.startswith(("\t", "\r", "\n")) else text
