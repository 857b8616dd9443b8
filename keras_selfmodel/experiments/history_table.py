"""The table of a run's epochs, `history.csv`, as rows of numbers."""

import csv
import io

from keras_selfmodel._control_characters import escaped
from keras_selfmodel.experiments.measured_ranges import check_measure


def rows_of(content: bytes) -> list[dict[str, float]]:
    """The rows of the table, one for each epoch: its number, and numbers by column.

    A table for spreadsheets too, so without the format's number that JSON files have: every cell is checked.

    Args:
        content: The file's bytes.

    Raises:
        ValueError: If it is not such a table; the sentence names the line and the column.
    """
    try:
        table = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        names = next(table, [])
        twice = [escaped(name) for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise ValueError(f"line 1 names the column {twice[0]} twice")
        rows = [_numbers(names, cells, epoch) for epoch, cells in enumerate(filter(None, table), 1)]
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except csv.Error as error:
        raise ValueError(f"it is not a table of comma-separated values: {error}") from error
    if not rows:
        raise ValueError("it has no epochs")
    return rows


def _numbers(names: list[str], cells: list[str], epoch: int) -> dict[str, float]:
    """The line of an epoch.

    Raises:
        ValueError: If a cell is not a number or out of its range, there are more or fewer of them than columns, or it
            is another epoch's.
    """
    line = epoch + 1  # The first one names the columns.
    if len(cells) != len(names) or "epoch" not in names:
        raise ValueError(f"line {line} must have a cell for each column, one of them the epoch")
    try:
        numbers: dict[str, float] = dict(zip(names, map(float, cells), strict=True))
        numbers["epoch"] = int(cells[names.index("epoch")])
    except ValueError:
        for name, text in zip(names, cells, strict=True):
            _number(name, text, line)
        raise
    if numbers["epoch"] != epoch:
        raise ValueError(f"line {line}: epoch must be {epoch}. Received: {numbers['epoch']}")
    for name, number in numbers.items():
        try:
            check_measure(name, number)
        except ValueError as error:
            raise ValueError(f"line {line}: {escaped(str(error))}") from None
    return numbers


def _number(name: str, text: str, line: int) -> float:
    try:
        return int(text) if name == "epoch" else float(text)
    except ValueError:
        kind = "a whole number" if name == "epoch" else "a number"
        raise ValueError(f"line {line}: {escaped(name)} must be {kind}. Received: {text[:100]!r}") from None
