"""The table at the end of a sweep."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich import box
from rich.table import Table

from keras_selfmodel._number_texts import with_error
from keras_selfmodel.experiments import SELF_MODELING, RunResult
from ksm_cli.estimates import LEFT_OUT, MARK
from ksm_cli.tables.controls import CELL_PADDING


def sweep_tables(results: Sequence[RunResult]) -> Iterator[Table]:
    """A table for each objective, with a title where there are others than self-modeling."""
    objectives = list(dict.fromkeys(result.recipe.objective for result in results))
    for objective in objectives:
        title = objective if objectives != [SELF_MODELING] else None
        yield _table([result for result in results if result.recipe.objective == objective], title)


def _table(results: Sequence[RunResult], title: str | None) -> Table:
    """One row for each size and auxiliary weight: mean ± standard deviation over the seeds; fits 80 columns.

    The RLCT after descent is in a row below, where it was estimated for every run.
    """
    groups: dict[tuple, list[RunResult]] = {}
    for result in results:
        groups.setdefault((result.recipe.hidden, result.recipe.aux_weight), []).append(result)
    unusable = any(not estimate.is_usable for result in results for estimate in result.estimates().values())
    marked = f";\n{LEFT_OUT}" if unusable else ""
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE,
        padding=CELL_PADDING,
        caption=f"mean ± standard deviation over the runs; R² of the self-prediction{marked}",
        caption_justify="left",
    )
    for name in ("H", "AW", "runs", "accuracy", "weight spread", "RLCT", "R²"):
        table.add_column(name, justify="right", no_wrap=name in ("H", "AW", "runs"))
    for (hidden, aux_weight), group in groups.items():
        table.add_row(
            str(hidden),
            f"{aux_weight:g}",
            str(len(group)),
            _mean(group, "accuracy", 4),
            _mean(group, "weight_spread", 4),
            _mean(group, "rlct", 1),
            _mean(group, "self_prediction_r2", 2),
        )
        if all(result.rlct_descended is not None for result in group):
            table.add_row("", "", "", "", "after descent", _mean(group, "rlct_descended", 1), "")
    return table


def _mean(group: list[RunResult], name: str, digits: int) -> str:
    values = [value for result in group if (value := result.number(name)) is not None]
    mark = MARK if any(not r.estimates()[name].is_usable for r in group if name in r.estimates()) else ""
    if not values:
        return f"–{mark}" if mark else ""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    missing = f" ({len(values)} of {len(group)})" if len(values) < len(group) else ""
    return f"{with_error(float(np.mean(values)), deviation, digits)}{missing}{mark}"
