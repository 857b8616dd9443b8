"""What `ksm compare` prints: tables for people, JSON for programs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table

from keras_selfmodel._number_texts import plus_minus
from keras_selfmodel._typed_files import plain
from keras_selfmodel.studies import Measure, SideBySide
from keras_selfmodel.studies.setting_texts import setting_name, setting_value

# Number of runs that fit 80 columns next to the first one.
OTHERS = 2


def compare_tables(found: SideBySide, most: int) -> Iterator[Table]:
    """Tables of the first run and two others each, of at most `most` runs."""
    runs = min(len(found.runs), most)
    for start in range(1, runs, OTHERS):
        yield _table(found, [0, *range(start, min(start + OTHERS, runs))])


def compare_json(found: SideBySide, folders: Sequence[Path]) -> dict:
    """The whole comparison, in the order of the runs."""
    return {
        "runs": [str(folder) for folder in folders],
        "settings": {name: list(values) for name, values in found.settings.items()},
        "measures": {
            one.measure.name: {
                "values": list(one.values),
                "errors": list(one.errors),
                "differences": list(one.differences),
                "difference_errors": list(one.difference_errors),
                **({"verdicts": list(one.verdicts)} if any(one.verdicts) else {}),
                **({"descents": list(map(plain, one.descents))} if any(one.descents) else {}),
            }
            for one in found.measures
        },
        "notes": list(found.notes),
    }


def _table(found: SideBySide, places: list[int]) -> Table:
    table = Table()
    table.add_column("")
    for place in places:
        table.add_column(f"run {place + 1}", justify="right", overflow="fold")
    for name, values in found.settings.items():
        table.add_row(setting_name(name), *(setting_value(values[place]) for place in places))
    table.add_section()
    for one in found.measures:
        table.add_row(
            one.measure.title,
            *(f"{one.texts[place]}{plus_minus(one.errors[place], one.measure.text)}" for place in places),
        )
        if any(one.verdicts[place] is not None for place in places):
            table.add_row("  verdict", *(one.verdicts[place] or "" for place in places))
        descents = [one.descents[place] for place in places]
        if any(descents):
            table.add_row("  descent", *("" if descent is None else descent.words for descent in descents))
        if any(one.differences[place] is not None for place in places):
            differences = [
                _difference(one.measure, one.differences[place], one.difference_errors[place]) for place in places
            ]
            table.add_row("  minus run 1", *differences)
    return table


def _difference(measure: Measure, value: float | None, error: float | None) -> str:
    if value is None:
        return ""
    return measure.text(value, sign=True) + plus_minus(error, measure.text)
