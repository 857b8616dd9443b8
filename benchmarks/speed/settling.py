"""When the estimate of a tool is known to 2 %: see the second table of benchmarks/rlct_speed.py."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

TOLERANCE = 0.02


@dataclass
class Chains:
    """The chains of one estimate, their mean."""

    trace: np.ndarray  # What each step adds to the estimate.
    offsets: dict[str, float]  # What is taken off, by the name of the row.
    seconds: float  # a step of all chains
    start: float  # seconds besides


@dataclass
class Tool:
    run: Callable[[int], Chains]
    least_burn_in: int = 0
    repeats: list[Chains] = field(default_factory=list)

    def settled_so_far(self) -> bool:
        return len(self.repeats) < 2 or abs(self.drift()) <= 2 * TOLERANCE

    def traces(self, row: str = "") -> np.ndarray:
        return np.array([c.trace - c.offsets.get(row, np.mean([*c.offsets.values()])) for c in self.repeats])

    @property
    def second_half(self) -> int:
        """The step at which it begins."""
        return (self.least_burn_in + len(self.repeats[0].trace)) // 2

    def late(self, row: str) -> float:
        return float(self.traces(row)[:, self.second_half :].mean())

    def drift(self, row: str = "") -> float:
        *_, third, last = np.array_split(self.traces(row)[:, self.least_burn_in :].mean(axis=0), 4)
        return float(last.mean() / third.mean() - 1)


def described(title: str, tool: Tool, row: str) -> str:
    late, drift = tool.late(row), tool.drift(row)
    seconds, start = (statistics.median(getattr(c, name) for c in tool.repeats) for name in ("seconds", "start"))
    traces = tool.traces(row)
    (repeats, steps), half = traces.shape, tool.second_half
    least = spread(traces[:, half:], steps - half, late)
    line = f"{title:<32} {repeats:>7} {steps:>7}  {late:10.1f}  {drift:+7.3f}  {least:6.3f}  "
    found = fewest_steps(traces, tool.least_burn_in, half, late) if abs(drift) <= TOLERANCE else None
    if found is None:
        reason = "not settled" if abs(drift) > TOLERANCE else "not within"
        return line + f"{reason:<13} > {steps * seconds:7.1f}  {start:5.1f}"
    return line + f"{f'{found[0]} + {found[1]}':<13}   {sum(found) * seconds:7.1f}  {start:5.1f}"


def spread(traces: np.ndarray, draws: int, late: float) -> float:
    stretches = traces.shape[1] // draws
    means = traces[:, : stretches * draws].reshape(len(traces), stretches, draws).mean(axis=2)
    return float(np.sqrt(means.var(axis=0, ddof=1).mean()) / abs(late))


def fewest_steps(traces: np.ndarray, least_burn_in: int, half: int, late: float) -> tuple[int, int] | None:
    """b and N of the second table; `None` if there are none."""
    steps = traces.shape[1]
    draws = None
    for number in sorted({int(n) for n in np.geomspace(10, steps - half, 80)}, reverse=True):
        if spread(traces[:, half:], number, late) > TOLERANCE:
            break
        draws = number
    if draws is None:
        return None
    mean = traces.mean(axis=0)
    for burn_in in range(least_burn_in, steps - draws + 1, 25):
        running = np.cumsum(mean[burn_in:]) / np.arange(1, steps - burn_in + 1)
        if (np.abs(running[draws - 1 :] / late - 1) <= TOLERANCE).all():
            return burn_in, draws
    return None
