"""What `ksm observer` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich import box
from rich.table import Table

from keras_selfmodel.studies.observers import MatchedObservers, ObservedGroup
from keras_selfmodel.studies.observers.reading import is_significant
from keras_selfmodel.studies.wording import strength_name
from ksm_cli.tables.controls import WIDTH, matched_table

# Number of capacities that fit 80 columns.
CAPACITIES = 4
# Number of auxiliary weights that fit 80 columns next to a control's name.
WEIGHTS_PER_TABLE = 3

OBSERVER_LEGEND = """\
Fraction of the variance of a unit that an observer leaves unexplained, on
held-out samples, averaged over the units that count (0.1 % of the units' mean
variance): mean ± 95 % interval over the seeds. AW: auxiliary weight.
* differs from the baseline, 0 (paired or Welch's t test, Holm p < 0.05 over
all tests of the study). units: mean number that count. nets: networks with
any such unit, of all; (2c): 2 of them have collapsed; the mean of the others
stands in parentheses, without interval or test."""


def observer_tables(groups: Sequence[ObservedGroup]) -> Iterator[Table]:
    """One table for each study, size and question: auxiliary weights down, capacities across."""
    for place in dict.fromkeys((group.study, group.hidden, group.question) for group in groups):
        alike = [group for group in groups if (group.study, group.hidden, group.question) == place]
        capacities = sorted({group.capacity for group in alike})
        for start in range(0, len(capacities), CAPACITIES):
            yield _table(alike, capacities[start : start + CAPACITIES])


def matched_observer_tables(matched: Sequence[MatchedObservers]) -> Iterator[Table]:
    """One table for each size, question and capacity: controls down, auxiliary weights across."""
    for found in matched:
        what = f"{found.question}, error of {_observer(found.capacity)} observers"
        for hidden in dict.fromkeys(one.hidden for one in found.comparisons):
            alike = [one for one in found.comparisons if one.hidden == hidden]
            weights = sorted({one.aux_weight for one in alike})
            for start in range(0, len(weights), WEIGHTS_PER_TABLE):
                title = f"{found.study}, H = {hidden}: {what}:\nself-modeling minus control at the same accuracy"
                yield matched_table(title, alike, weights[start : start + WEIGHTS_PER_TABLE], 3)


def groups_json(groups: Sequence[ObservedGroup]) -> list[dict]:
    """The groups as JSON."""
    return [{**asdict(group), "question": group.question._asdict()} for group in groups]


def _table(groups: list[ObservedGroup], capacities: list[int]) -> Table:
    first = groups[0]
    table = Table(
        title=f"{first.study}, H = {first.hidden}: {first.question}",
        title_justify="left",
        box=box.SIMPLE,
        pad_edge=False,
        collapse_padding=True,
        min_width=WIDTH,
    )
    table.add_column(strength_name(first.objective), justify="right")
    for capacity in capacities:
        table.add_column(_observer(capacity), justify="right", no_wrap=True)
    table.add_column("units", justify="right")
    table.add_column("nets", justify="right", no_wrap=True)
    for weight in sorted({group.aux_weight for group in groups}):
        row = {group.capacity: group for group in groups if group.aux_weight == weight}
        one = row[capacities[0]]
        collapsed = f" ({one.collapsed}c)" if one.collapsed else ""
        table.add_row(
            f"{weight:g}",
            *(_error(row[capacity]) for capacity in capacities),
            f"{one.counted_units:.0f}",
            f"{one.networks - one.constant}/{one.networks}{collapsed}",
        )
    return table


def _observer(capacity: int) -> str:
    return "linear" if capacity == 0 else f"{capacity} hidden"


def _error(group: ObservedGroup) -> str:
    if group.error is None:
        return "–"
    if group.collapsed:
        return f"({group.error.mean:.3f}) "
    width = "" if group.error.half_width is None else f"±{group.error.half_width:.3f}"
    return f"{group.error.mean:.3f}{width}{'*' if is_significant(group) else ' '}"
