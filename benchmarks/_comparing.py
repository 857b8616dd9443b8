"""Tables of networks that differ in their seeds alone, and of the differences between such groups."""

from collections.abc import Iterable, Mapping
from statistics import mean
from typing import Any, NamedTuple

from keras_selfmodel._number_texts import NOTHING, number_text, with_error
from keras_selfmodel.statistics import Difference, difference, holm, mean_interval
from keras_selfmodel.studies.collapse import COLLAPSE

LEVEL = 0.05
# By seed, what was measured of a network, each measure as an attribute.
Group = Mapping[int, Any]


class Measure(NamedTuple):
    """An attribute of what was measured, and how tables show it."""

    name: str
    title: str
    factor: float = 1
    digits: int = 3

    def mean(self, measured: Iterable[Any]) -> str:
        """Mean ± 95 % interval; nothing where it is missing of a network."""
        values = [getattr(one, self.name) for one in measured]
        found = None if None in values else mean_interval(values)
        if found is None:
            return NOTHING
        width = None if found.half_width is None else self.factor * found.half_width
        return with_error(self.factor * found.mean, width, self.digits)

    def difference(self, group: Group, reference: Group) -> Difference | None:
        """Paired by seed; `None` where a network is missing, or its value."""
        values = [{seed: getattr(one, self.name) for seed, one in networks.items()} for networks in (group, reference)]
        if values[0].keys() != values[1].keys() or any(None in of_one.values() for of_one in values):
            return None
        return difference(*values)

    def text(self, found: Difference | None, corrected: float | None) -> str:
        """A difference ± its interval, bold where the corrected p is small."""
        if found is None:
            return NOTHING
        width = found.estimate.half_width
        text = number_text(self.factor * found.estimate.mean, self.digits, sign=True)
        text += f" ± {number_text(None if width is None else self.factor * width, self.digits)}"
        return f"**{text}**" if corrected is not None and corrected <= LEVEL else text


def collapsed(group: Group, baseline: Group, score: str) -> int:
    """How many networks have collapsed, as `studies` have it; `score` is the attribute that tells, accuracy or R²."""
    most = mean(getattr(one, score) for one in baseline.values()) - COLLAPSE
    return sum(getattr(one, score) <= most for one in group.values())


def table_row(*cells: object) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


def table_head(*titles: str) -> str:
    """The first two lines of such a table."""
    return table_row(*titles) + "\n" + "|---" * len(titles) + "|"


def print_differences(
    titles: Iterable[str], pairs: Mapping[tuple, tuple[Group, Group]], measures: Iterable[Measure]
) -> None:
    """Prints group minus reference, for each pair and measure, with Holm's correction over all.

    Args:
        titles: Of the first columns.
        pairs: What stands in the first columns, and the two groups.
        measures: The columns that follow.
    """
    measures = list(measures)
    rows = {key: [measure.difference(*groups) for measure in measures] for key, groups in pairs.items()}
    tested = [found for row in rows.values() for found in row if found is not None and found.p is not None]
    corrected = dict(zip(map(id, tested), holm([found.p for found in tested]), strict=True))
    left_out = sum(map(len, rows.values())) - len(tested)
    print(f"{len(tested)} tests, {left_out} left out for want of numbers; bold: Holm p ≤ {LEVEL:g}\n")
    print(table_head(*titles, *(measure.title for measure in measures)))
    for key, row in rows.items():
        cells = [measure.text(found, corrected.get(id(found))) for measure, found in zip(measures, row, strict=True)]
        print(table_row(*key, *cells))
