"""Rooms whose parts are imported when they are first asked for."""

import ast
import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from typing import Any


def lazily(room: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """What a package's `__getattr__` and `__dir__` shall be, so that it imports nothing before it is asked for.

    Who reads the numbers of runs needs neither Keras nor a backend, whose import takes seconds and half a gigabyte.

    Args:
        room: Name of the package. Its `__init__` imports what leaves the room under `if TYPE_CHECKING:`, so that type
            checkers see it, and that list is read here. A module of the room is found by its name too.

    Example:

    >>> import keras_selfmodel.studies
    >>> find, names = lazily("keras_selfmodel.studies")
    >>> find("claims") is keras_selfmodel.studies.claims, "claims" in names()
    (True, True)
    """

    def find(name: str) -> Any:
        where = None if name.startswith("__") else _modules_of(room).get(name)
        if where not in (None, room):
            found = getattr(importlib.import_module(str(where)), name)
        elif not name.startswith("__") and importlib.util.find_spec(f"{room}.{name}"):
            found = importlib.import_module(f"{room}.{name}")
        else:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        setattr(sys.modules[room], name, found)
        return found

    return find, lambda: sorted({*vars(sys.modules[room]), *_modules_of(room)})


@functools.cache
def _modules_of(room: str) -> dict[str, str]:
    """The module of each name that is imported from one under `if TYPE_CHECKING:`."""
    found: dict[str, str] = {}
    for part in ast.parse(inspect.getsource(sys.modules[room])).body:
        if isinstance(part, ast.If) and isinstance(part.test, ast.Name) and part.test.id == "TYPE_CHECKING":
            lines = [line for line in part.body if isinstance(line, ast.ImportFrom)]
            found |= {alias.name: str(line.module) for line in lines for alias in line.names}
    return found
