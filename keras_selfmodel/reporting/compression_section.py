"""The report's section on compressed networks."""

from collections.abc import Sequence
from typing import Any

from keras_selfmodel.reporting.figure_files import data_address
from keras_selfmodel.reporting.figure_of_compression import compression_figure
from keras_selfmodel.reporting.report_tables import Cell, Table, p_cell
from keras_selfmodel.statistics import Interval
from keras_selfmodel.studies.compression import (
    COMPRESSION_MEASURES,
    RETRAINED_PRUNING,
    CompressedRun,
    associations,
    compared_networks,
    compressed_groups,
    compression_comparisons,
    efficiency_verdicts,
)
from keras_selfmodel.studies.wording import correlation_text, interval_text


def compression_sections(found: Sequence[CompressedRun]) -> list[dict[str, Any]]:
    """What the page shows of compressed networks, one section for all that can be compared with each other.

    Args:
        found: Compressed networks.
    """
    if not found:
        return []
    compared, associated = compression_comparisons(found), associations(found)
    verdicts = efficiency_verdicts(compared)
    sections = []
    for number, (title, networks) in enumerate(compared_networks(found).items(), 1):
        sections.append(
            {
                "id": f"compression-{number}",
                "title": f"Compressed networks: {title}",
                "figure": {
                    "source": data_address(compression_figure(networks, title)),
                    "alternative": f"Loss against size of compressed networks, {title}. The numbers are in the tables.",
                },
                "verdicts": [one for one in verdicts if f"{one.study}, H = {one.hidden}" == title],
                "groups": _group_table(compressed_groups(networks)),
                "comparisons": _comparison_table(
                    [one for one in compared if f"{one.study}, H = {one.hidden}" == title]
                ),
                "associations": _association_table([one for one in associated if one.networks == title]),
            }
        )
    return sections


def _group_table(groups: list) -> Table:
    rows, measures = [], list(COMPRESSION_MEASURES.values())
    if any(group.values[RETRAINED_PRUNING.name] is not None for group in groups):
        measures.append(RETRAINED_PRUNING)
    # The baseline is in the study of each objective.
    for group in [one for one in groups if one.aux_weight or one.objective == groups[0].objective]:
        cells = [Cell.of(group.objective), Cell.of(group.hidden), Cell.of(group.aux_weight), Cell.of(group.networks)]
        cells.append(_cell(group.accuracy, 100, 2))
        for measure in measures:
            cell = _cell(group.values[measure.name], measure.factor, measure.digits)
            lacking = group.networks - group.reached[measure.name]
            note = f" ({lacking} not reached, left out)" if lacking and cell.value != "" else ""
            cells.append(Cell(cell.text + note, cell.value))
        rows.append(tuple(cells))
    return Table(
        ("objective", "H", "AW", "networks", "accuracy / %", *(m.title for m in measures)),
        tuple(rows),
    )


def _comparison_table(compared: list) -> Table:
    rows = []
    for one in compared:
        measure, found = COMPRESSION_MEASURES[one.measure], one.difference
        rows.append(
            (
                Cell.of(measure.title),
                Cell.of(one.aux_weight),
                Cell.of(one.reference),
                Cell.of(f"{one.reached} of {one.seeds}"),
                _cell(None if found is None else found.estimate, measure.factor, measure.digits, sign=True),
                p_cell(None if found is None else found.p),
                p_cell(one.p_holm),
                Cell.of(one.verdict),
            )
        )
    return Table(
        ("measure", "AW", "reference", "seeds compared", "difference", "p", "Holm p", "self-modeling is"), tuple(rows)
    )


def _association_table(associated: list) -> Table:
    rows = []
    for one in associated:
        if one.correlation is not None:
            found = one.correlation
            words = {"rlct": "RLCT", "weight_spread": "weight spread"}[one.predictor]
            rows.append(
                (
                    Cell.of(one.objective),
                    Cell.of(words),
                    Cell.of(COMPRESSION_MEASURES[one.measure].title),
                    Cell.of(found.rho, correlation_text(found)),
                    p_cell(found.p),
                    Cell.of(found.count),
                )
            )
    return Table(("networks", "of", "with", "Spearman's ρ [95 % interval]", "p", "n"), tuple(rows))


def _cell(interval: Interval | None, factor: float, digits: int, *, sign: bool = False) -> Cell:
    text = interval_text(interval, digits, factor=factor, sign=sign)
    return Cell.of(None if interval is None else interval.mean, text)
