"""Files that appear complete or not at all."""

import csv
import io
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# How the name of a file that is being written starts.
HALF_WRITTEN = ".half-written."


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file beside its place and moves it there, so that neither a reader nor a crash sees half of it.

    Args:
        path: Where the file shall be. Its folder is created.
        write: Writes the file whose path it is given; the suffix is that of `path`.

    Raises:
        OSError: If it cannot be written, such as on a full disk; it names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
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
