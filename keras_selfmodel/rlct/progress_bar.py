"""The progress bar of an estimation in Python, like that of `fit`."""

import sys
from collections.abc import Callable
from typing import Any, Literal

import keras

Verbose = Literal["auto", 0, 1, 2]
# Wide enough for every phase, so that the next line hides it.
LINE_WIDTH = 79


def _nothing(*_: Any) -> None: ...


class Reports:
    """The callbacks of an estimation: those that the caller gave, or else a progress bar.

    Args:
        verbose: As for `estimate_rlct`.
        progress: Called with (steps done, steps in all); `None`: the bar.
        phase: Called with what begins, in words; `None`: a line above the bar.

    Raises:
        ValueError: If an argument is something else.
    """

    def __init__(
        self,
        verbose: Verbose = 0,
        progress: Callable[[int, int], None] | None = None,
        phase: Callable[[str], None] | None = None,
    ) -> None:
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose must be 'auto', 0, 1 or 2. Received: verbose={verbose!r}")
        for name, function in (("progress", progress), ("phase", phase)):
            if function is not None and not callable(function):
                raise ValueError(f"{name} must be a function, or None. Received: {name}={function!r}")
        self._shown = _Shown(lines=verbose == 2 or not _is_live()) if verbose and not (progress or phase) else None
        self.steps: Callable[[int, int], None] = progress or (self._shown.steps if self._shown else _nothing)
        self.phase: Callable[[str], None] = phase or (self._shown.phase if self._shown else _nothing)

    def __enter__(self) -> "Reports":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._shown is not None:
            self._shown.end()


class _Shown:
    """A bar of Keras's and a line that changes, or a line for each phase on standard error."""

    def __init__(self, lines: bool) -> None:
        self._lines = lines
        self._bar: Any = None  # a `keras.utils.Progbar`
        self._reached = 0
        self._open = False  # whether the line of a phase is shown

    def phase(self, words: str) -> None:
        if self._lines:
            print(f"RLCT: {words} …", file=sys.stderr, flush=True)
        else:
            self.end()
            print(f"RLCT: {words} …", end="", flush=True)
            self._open = True

    def steps(self, done: int, total: int) -> None:
        if self._lines:
            if done >= total:
                print(f"RLCT: {done}/{total} steps", file=sys.stderr, flush=True)
            return
        if self._bar is None or self._bar.target != total:
            self.end()
            self._bar = keras.utils.Progbar(total)
        self._bar.update(done)
        self._reached = done

    def end(self) -> None:
        """Leaves the cursor at the start of a line: that of the phase, which is over, or one after the bar."""
        if self._open:
            print("\r".ljust(LINE_WIDTH), end="\r", flush=True)
        elif self._bar is not None and self._reached < self._bar.target:
            print()
        self._bar, self._open = None, False


def _is_live() -> bool:
    """Whether what is printed can be overwritten, as Keras's bar asks: on a terminal and in a notebook."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules
