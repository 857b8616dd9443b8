"""Uses: tests that stand in a table of the docs (docs/uses.md).

To add one, write a test in a file `tests/uses/test_*.py`, whose docstring becomes the heading of its part of the table,
and put `@use(...)` on it:

    @use("One weight for each pixel", "a step equals that of a Keras model with two outputs")
    def test_weights_of_pixels():
        ...

What it asserts is a number that something else gives: NumPy, or a plain Keras model built by hand (`plain_keras`). Keep
it under half a second; `run_eagerly=True` spares JAX the compilation. Then write the page anew, which runs every use on
every backend:

    python -m tests.uses.page
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import pytest

BACKENDS = ("jax", "tensorflow", "torch")


@dataclass(frozen=True)
class Use:
    """A row of the table.

    Args:
        what: What is used, a noun phrase that starts with a capital.
        asserted: What is asserted.
        backends: The backends that have it.
    """

    what: str
    asserted: str
    backends: Sequence[str] = BACKENDS


def use(what: str, asserted: str, *, backends: Sequence[str] = BACKENDS) -> Callable:
    """Makes a test a use; see `Use`."""

    def mark(test: Callable) -> Callable:
        test.use = Use(what, asserted, backends)
        here = keras.config.backend() in backends
        return pytest.mark.skipif(not here, reason=f"only on {', '.join(backends)}")(test)

    return mark


def uses() -> dict[str, dict[str, Use]]:
    """All uses: by the heading of their file, then by the name of the test."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.uses.{file.stem}")
        tests = {name: test.use for name, test in vars(module).items() if hasattr(test, "use")}
        if tests:
            found[module.__doc__.strip().splitlines()[0].rstrip(".")] = tests
    return found
