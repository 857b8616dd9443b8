"""Progress callbacks of a run."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """What a run reports while it works; each callback may be replaced.

    Attributes:
        epoch: Called with (epochs done, epochs in all, the row of the history).
        sampling: Called with (steps done, steps in all).
        descended: The same of the second sampling, after descent.
        phase: Called with what begins, in words, such as "training".
    """

    epoch: Callable[[int, int, dict[str, float]], None] = lambda *_: None
    sampling: Callable[[int, int], None] = lambda *_: None
    descended: Callable[[int, int], None] = lambda *_: None
    phase: Callable[[str], None] = lambda _: None
