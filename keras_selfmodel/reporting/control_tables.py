"""The tables of the report's section on controls."""

from typing import Any

from keras_selfmodel.reporting.report_tables import Cell, Table, group_table, p_cell
from keras_selfmodel.studies import MATCHED, MEASURES, Controls, Measure, matched_comparisons
from keras_selfmodel.studies.wording import interval_text


def control_group_table(found: Controls) -> Table:
    """Means and intervals of every objective and strength; the baseline is in each of them."""
    tables = {objective: group_table(study, empty_columns=True) for objective, study in found.studies.items()}
    rows = [(Cell.of(objective), *row) for objective, table in tables.items() for row in table.rows]
    columns = next(iter(tables.values())).columns
    return Table(("objective", *columns), tuple(rows)).without_empty_columns()


def matched_accuracy_table(found: Controls) -> Table:
    """Self-modeling against every control at the same accuracy."""
    rows = []
    for name in MATCHED:
        measure = MEASURES[name]
        for one in matched_comparisons(found, name):
            if not one.seeds:
                continue
            difference = one.difference
            rows.append(
                (
                    Cell.of(one.hidden),
                    Cell.of(measure.title),
                    Cell.of(one.aux_weight),
                    Cell.of(one.control),
                    Cell.of(f"{one.reached} of {one.seeds}"),
                    Cell.of(None if difference is None else difference.reference, _control_mean(measure, difference)),
                    Cell.of(None)
                    if difference is None
                    else Cell.of(
                        difference.estimate.mean, interval_text(difference.estimate, measure.digits, sign=True)
                    ),
                    p_cell(None if difference is None else difference.p),
                    p_cell(one.p_holm),
                    Cell.of(one.verdict),
                )
            )
    columns = (
        "H",
        "measure",
        "AW",
        "control",
        "seeds in reach",
        "control there",
        "difference",
        "p",
        "Holm p",
        "verdict",
    )
    return Table(columns, tuple(rows))


def _control_mean(measure: Measure, difference: Any) -> str | None:
    return None if difference is None else measure.text(difference.reference)
