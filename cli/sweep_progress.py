"""Progress of a sweep."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from ksm_cli.arguments_as_options import in_options
from ksm_cli.estimates import result_note
from ksm_cli.output import printable, terminal_progress

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
        self._start = time.monotonic()
        self._progress = None if quiet or not sys.stderr.isatty() else terminal_progress()
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
        if self._progress is None:
            return
        if job not in self._lines:
            self._lines[job] = self._progress.add_task(part, total=total, note=job.recipe.name)
        self._progress.update(self._lines[job], description=part, completed=done, total=total)

    def _ended(self, job: "Job", note: str) -> None:
        self._done += 1
        if self._quiet:
            return
        done = self._before + self._done
        if self._progress is None:
            left = (time.monotonic() - self._start) / self._done * (self._total - done)
            click.echo(f"{done}/{self._total} {job.recipe.name}: {note} ({duration(left)} left)", err=True)
            return
        if job in self._lines:
            self._progress.remove_task(self._lines.pop(job))
        self._progress.console.print(f"{job.recipe.name}: {note}", highlight=False, markup=False)
        self._progress.update(self._all, completed=done)

    def _wait(self, runs: int) -> None:
        if runs != self._waiting and not self._quiet:
            self._waiting = runs
            click.echo(f"Waiting for another process to finish the remaining runs: {runs}.", err=True)
