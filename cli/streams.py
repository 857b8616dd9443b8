"""Standard output and error: encodings without every sign, names that are no text, devices without room."""

import codecs
import contextlib
import os
import sys

# What the program's own texts have beyond ASCII, in encodings without it.
PLAIN = {"−": "-", "–": "-", "—": "-", "±": "+/-", "×": "x", "…": "...", "≤": "<=", "≥": ">=", "→": "->", "²": "^2"}


def replaced(error: UnicodeError) -> tuple[str, int]:
    r"""The error handler of the streams: signs that an encoding lacks get plain ones; bytes of names are spelled out.

    Example:

    >>> codecs.register_error("ksm", replaced)
    >>> "−5 ± 1 …\udcff".encode("ascii", "ksm")
    b'-5 +/- 1 ...\\udcff'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    plain = (ascii(one)[1:-1] if "\ud800" <= one <= "\udfff" else PLAIN.get(one, "?") for one in signs)
    return "".join(plain), error.end


def never_fail() -> None:
    """Has standard output and error replace what they cannot encode."""
    codecs.register_error("ksm", replaced)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a program that imports this one may have put others there
            stream.reconfigure(errors="ksm")


def drop_what_cannot_be_written() -> None:
    """Empties standard output and error at the program's end, where Python would try once more to write what failed.

    It would then end with a message of its own and exit code 120.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):  # A stream closed before the start is None.
        try:
            stream.flush()
        except (OSError, ValueError):  # a full device, a pipe without a reader; a stream closed since
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


def has_all_signs() -> bool:
    """Whether standard output can hold every sign."""
    try:
        return codecs.lookup(getattr(sys.stdout, "encoding", None) or "").name.startswith("utf")
    except LookupError:
        return False
