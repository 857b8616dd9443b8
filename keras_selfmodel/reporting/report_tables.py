"""The tables of the report: rows of cells, made of studies."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keras_selfmodel._number_texts import NOTHING, number_text, plus_minus, short_number
from keras_selfmodel.experiments import SELF_MODELING, RunResult
from keras_selfmodel.reporting.notes import run_name
from keras_selfmodel.statistics import spearman_trend
from keras_selfmodel.studies import MEASURES, Measure, Study, all_comparisons, paper_comparisons
from keras_selfmodel.studies.collapse import standing
from keras_selfmodel.studies.wording import effect_text, interval_text, p_text, relative_text

# The measures that come with a verdict, and what else is said of them.
ESTIMATES = {"rlct": ("verdict",), "rlct_descended": ("verdict", "descent")}


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: What is read.
        value: The number that is shown, or the text; "" if there is nothing.
    """

    text: str
    value: float | str

    @classmethod
    def of(cls, value: float | str | None, text: str | None = None) -> "Cell":
        """A cell of a value; nothing is shown as "–"."""
        if value is None:
            return cls(text or NOTHING, "")
        return cls(f"{value:g}" if text is None and isinstance(value, int | float) else str(text or value), value)


@dataclass(frozen=True)
class Table:
    """Names of columns, and rows of as many cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @cached_property
    def numeric(self) -> tuple[bool, ...]:
        """Of each column, whether it holds numbers, besides cells that hold nothing."""
        columns = [[row[place].value for row in self.rows] for place in range(len(self.columns))]
        values = [[value for value in column if value != ""] for column in columns]
        return tuple(bool(column) and all(isinstance(value, int | float) for value in column) for column in values)

    def without_empty_columns(self) -> "Table":
        """The table without columns in which no row says anything, such as how many estimates are not to be used."""
        kept = [place for place in range(len(self.columns)) if any(row[place].text != NOTHING for row in self.rows)]
        return Table(
            tuple(self.columns[place] for place in kept),
            tuple(tuple(row[place] for place in kept) for row in self.rows),
        )


def paper_table(study: Study) -> Table:
    """Every number of the paper beside ours."""
    rows = []
    for one in paper_comparisons(study):
        verdict = {True: "yes", False: "no", None: "one seed"}[one.agrees]
        measure = one.measure
        rows.append(
            (
                Cell.of(one.hidden),
                Cell.of(measure.title),
                Cell.of(one.aux_weight),
                Cell.of(one.ours.mean, interval_text(one.ours, measure.digits)),
                Cell.of(one.paper, short_number(one.paper, 6)),
                Cell.of(one.difference, measure.text(one.difference, sign=True)),
                Cell.of(verdict),
            )
        )
    return Table(("H", "measure", "AW", "ours", "paper", "difference", "agrees"), tuple(rows))


def group_table(study: Study, *, empty_columns: bool = False) -> Table:
    """Means and intervals of every group; columns without any value are left out, unless they are wanted."""
    rows = []
    for series in study.series:
        for group in series.groups:
            cells = [Cell.of(series.hidden), Cell.of(group.aux_weight), Cell.of(len(group.runs))]
            for measure in MEASURES.values():
                interval = group.interval(measure.name)
                text = interval_text(interval, measure.digits)
                if interval is not None and interval.count < len(group.runs):
                    text += f" (n = {interval.count})"
                unusable = len(group.unusable(measure.name))
                if unusable:
                    text += f" ({unusable} not to be used, left out)"
                cells.append(Cell.of(None if interval is None else interval.mean, text))
            rows.append(tuple(cells))
    table = Table(("H", "AW", "seeds", *(measure.title for measure in MEASURES.values())), tuple(rows))
    return table if empty_columns else table.without_empty_columns()


def comparison_table(study: Study) -> Table:
    """Every auxiliary weight against the baseline."""
    rows = []
    for (name, hidden, weight), one in all_comparisons(study).items():
        measure, found = MEASURES[name], one.difference
        estimate = found.estimate
        relative = None if found.relative is None else relative_text(found.relative)
        effect = None if found.effect_size is None else effect_text(found.effect_name, found.effect_size)
        rows.append(
            (
                Cell.of(hidden),
                Cell.of(measure.title),
                Cell.of(weight),
                Cell.of(estimate.mean, interval_text(estimate, measure.digits, sign=True)),
                Cell.of(found.relative, relative),
                Cell.of(f"n = {estimate.count}" if found.p is None else f"{found.test}, n = {estimate.count}"),
                p_cell(found.p),
                p_cell(one.p_holm),
                Cell.of(found.effect_size, effect),
            )
        )
    columns = ("H", "measure", "AW", "difference", "relative", "t test", "p", "Holm p", "effect size")
    return Table(columns, tuple(rows))


def trend_table(study: Study) -> Table:
    """Spearman's trend over the auxiliary weight, baseline included, collapsed groups left out."""
    rows = []
    for series in study.series:
        groups = [*([series.baseline] if series.baseline else []), *standing(series)]
        for measure in MEASURES.values():
            pairs = [(group.aux_weight, value) for group in groups for value in group.values(measure.name).values()]
            trend = spearman_trend([weight for weight, _ in pairs], [value for _, value in pairs])
            if trend is not None:
                rows.append(
                    (
                        Cell.of(series.hidden),
                        Cell.of(measure.title),
                        Cell.of(trend.rho, number_text(trend.rho, 2)),
                        p_cell(trend.p),
                        Cell.of(trend.count),
                    )
                )
    return Table(("H", "measure", "Spearman's ρ", "p", "runs"), tuple(rows))


def every_run_table(studies: Sequence[Study], root: Path) -> Table:
    """One row for every run."""
    rows = {}
    for run in [run for study in studies for run in (*study.runs, *study.repeats)]:
        cells = [cell for measure in MEASURES.values() for cell in _measure_cells(run, measure)]
        seconds = sum(run.seconds.values())
        rows[run.folder] = (
            Cell.of(run.recipe.task),
            Cell.of(run.recipe.hidden),
            Cell.of(None if run.recipe.objective == SELF_MODELING else run.recipe.objective),
            Cell.of(run.recipe.aux_weight),
            Cell.of(run.recipe.seed),
            Cell.of(run.backend),
            *cells,
            Cell.of(seconds, f"{seconds:.0f}"),
            Cell.of(run_name(run.folder, root)),
        )
    columns = (
        "task",
        "H",
        "objective",
        "AW",
        "seed",
        "backend",
        *(title for measure in MEASURES.values() for title in _measure_titles(measure)),
        "seconds",
        "folder",
    )
    return Table(columns, tuple(rows.values())).without_empty_columns()


def _measure_titles(measure: Measure) -> tuple[str, ...]:
    return (measure.title, *(f"{measure.title}: {what}" for what in ESTIMATES.get(measure.name, ())))


def _measure_cells(run: RunResult, measure: Measure) -> tuple[Cell, ...]:
    if measure.name not in ESTIMATES:
        return (Cell.of(measure.of(run), measure.text_of(run)),)
    estimate = run.estimates().get(measure.name)
    if estimate is None:
        return (Cell.of(None), *(Cell.of(None) for _ in ESTIMATES[measure.name]))
    # With its verdict beside it, a value that is not to be used is shown too.
    text = measure.text_of(run) + plus_minus(estimate.std_error, measure.text)
    said = {"verdict": estimate.verdict, "descent": estimate.descent.words if estimate.descent else None}
    return (Cell.of(estimate.value, text), *(Cell.of(said[what]) for what in ESTIMATES[measure.name]))


def p_cell(p: float | None) -> Cell:
    """A p value."""
    return Cell.of(p, None if p is None else p_text(p, "").removeprefix(" = ").strip())
