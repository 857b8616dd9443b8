"""Live bars on a terminal, which become shorter before a number or a time is cut.

This module is imported where there is a terminal to draw on: rich takes a while.
"""

from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

BAR_WIDTH = 16


class Count(ProgressColumn):
    """Units done and their total."""

    def render(self, task: Task) -> str:
        return f"{task.completed:>4.0f}/{task.total:.0f}"


DESCRIPTION, BAR, NOTE = TextColumn("{task.description:<9}"), BarColumn(BAR_WIDTH), TextColumn("{task.fields[note]}")
COUNTED = (DESCRIPTION, BAR, Count(), TimeElapsedColumn(), TimeRemainingColumn(), NOTE)
# A phase of unknown length has no units, and needs the room for its words.
PHASE = (BAR, TimeElapsedColumn(), NOTE)
# What becomes narrower where the terminal is, in this order, and down to how many characters.
NARROWER: dict[ProgressColumn, int] = {BAR: 4, DESCRIPTION: 9, NOTE: 1}


class LiveBars(Progress):
    """A row for each part with its units, and below them one for what goes on without units; tasks have a `note`."""

    def add_phase(self, words: str) -> TaskID:
        """Adds a row without units."""
        return self.add_task("", total=None, note=words)

    def get_renderables(self) -> Iterable[RenderableType]:
        # In tables of their own, because the words of a phase are longer than what stands beside a bar.
        for columns, tasks in (
            (COUNTED, [task for task in self.tasks if task.total is not None]),
            (PHASE, [task for task in self.tasks if task.total is None]),
        ):
            if tasks:
                yield self._rows(tasks, columns)

    def _rows(self, tasks: Sequence[Task], columns: Sequence[ProgressColumn]) -> Table:
        """A table that rich need not make narrower: it would take the same from bars, numbers and times."""
        table = Table.grid(*(column.get_table_column().copy() for column in columns), padding=(0, 1))
        for task in tasks:
            table.add_row(*(column(task) for column in columns))
        widths = {
            column: max(self.console.measure(cell).maximum for cell in drawn.cells)
            for column, drawn in zip(columns, table.columns, strict=True)
        }
        excess = sum(widths.values()) + len(columns) - 1 - self.console.width
        for column, least in NARROWER.items():
            if column in widths and excess > 0:
                cut = min(excess, max(widths[column] - least, 0))
                widths[column] -= cut
                excess -= cut
        for column, drawn in zip(columns, table.columns, strict=True):
            drawn.width, drawn.no_wrap = widths[column], True
        return table


def terminal_progress() -> LiveBars:
    """Bars on standard error; not started."""
    return LiveBars(console=Console(stderr=True))
