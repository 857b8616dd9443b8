"""Progress of a sweep."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from ksm_cli.arguments_as_options import in_options
from ksm_cli.estimates import result_note
from ksm_cli.output import printable

if TYPE_CHECKING:
    from keras_selfmodel.experiments import Plan, SweepProgress
    from keras_selfmodel.experiments.sweeps.jobs import Job


def duration(seconds: float) -> str:
    """Seconds in words that fit their size: "40 s", "12 min", "3 h 20 min", "2 days 5 h"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h"


class TimeLeft:
    """How long the rest of a sweep takes, from the runs that have ended; the start of its processes is not theirs.

    A run begins when the last one before it ended, which made room for it; the first ones with their first step.
    """

    def __init__(self) -> None:
        self._begun: dict[Any, float] = {}
        self._last_end: float | None = None
        self._at_once = 1
        self._seconds: list[float] = []

    def begun(self, job: Any, now: float) -> None:
        """Notes that a run is at work; the first time counts."""
        if job not in self._begun:
            self._begun[job] = now if self._last_end is None else self._last_end
            self._at_once = max(self._at_once, len(self._begun))

    def ended(self, job: Any, now: float) -> None:
        """Notes that a run has ended; one that never was at work, such as another process's, tells nothing."""
        if job in self._begun:
            self._seconds.append(now - self._begun.pop(job))
            self._last_end = now

    def left(self, runs: int, now: float) -> float | None:
        """Seconds until so many runs, those at work among them, have ended; `None` if nothing tells."""
        if not self._seconds:
            return None if runs else 0.0
        each = sum(self._seconds) / len(self._seconds)
        behind = sum(min(now - begun, each) for begun in self._begun.values())
        return max(each * runs - behind, 0.0) / min(self._at_once, max(runs, 1))


class SweepBar:
    """A bar for the whole sweep and a line for each run at work on a terminal; a line for each run's end elsewhere.

    Args:
        quiet: Whether to print nothing.
        plan: The plan of the sweep.
    """

    def __init__(self, quiet: bool, plan: "Plan") -> None:
        self._quiet = quiet
        self._total = len(plan.kept) + len(plan.failures) + len(plan.jobs)
        self._before = len(plan.kept) + len(plan.failures)
        self._done = 0
        self._time = TimeLeft()
        self._progress: Any = None  # `LiveBars`, whose import takes a while
        if not quiet and sys.stderr.isatty():
            from ksm_cli.live_bars import terminal_progress

            self._progress = terminal_progress()
        self._lines: dict = {}
        self._waiting = 0

    def __enter__(self) -> "SweepBar":
        if self._progress is not None:
            self._progress.start()
            self._all = self._progress.add_task("runs", total=self._total, completed=self._before, note="")
        return self

    def __exit__(self, *_: Any) -> None:
        if self._progress is not None:
            self._progress.stop()

    def progress(self) -> "SweepProgress":
        """The progress callbacks for `experiments.sweep`."""
        from keras_selfmodel.experiments import SweepProgress

        return SweepProgress(
            step=self._step,
            finished=lambda job, result: self._ended(job, result_note(result)),
            failed=lambda job, reason: self._ended(job, f"failed: {printable(in_options(reason))}"),
            waiting=self._wait,
        )

    def _step(self, job: "Job", part: str, done: int, total: int) -> None:
        self._time.begun(job, time.monotonic())
        if self._progress is None:
            return
        if job not in self._lines:
            self._lines[job] = self._progress.add_task(part, total=total, note=job.recipe.name)
        self._progress.update(self._lines[job], description=part, completed=done, total=total)

    def _ended(self, job: "Job", note: str) -> None:
        self._done += 1
        self._time.ended(job, time.monotonic())
        if self._quiet:
            return
        done = self._before + self._done
        if self._progress is None:
            seconds = self._time.left(self._total - done, time.monotonic())
            left = "" if seconds is None else f" ({duration(seconds)} left)"
            click.echo(f"{done}/{self._total} {job.recipe.name}: {note}{left}", err=True)
            return
        if job in self._lines:
            self._progress.remove_task(self._lines.pop(job))
        self._progress.console.print(f"{job.recipe.name}: {note}", highlight=False, markup=False)
        self._progress.update(self._all, completed=done)

    def _wait(self, runs: int) -> None:
        if runs != self._waiting and not self._quiet:
            self._waiting = runs
            click.echo(f"Waiting for another process to finish the remaining runs: {runs}.", err=True)
