"""The report: one self-contained HTML page."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_selfmodel._version import __version__
from keras_selfmodel._whole_files import write_csv
from keras_selfmodel.experiments import DamagedRunError, find_objective
from keras_selfmodel.reporting.compression_section import compression_sections
from keras_selfmodel.reporting.control_tables import control_group_table, matched_accuracy_table
from keras_selfmodel.reporting.figure_files import data_address
from keras_selfmodel.reporting.figure_of_learning import learning_figure
from keras_selfmodel.reporting.figures_of_controls import frontier_figure
from keras_selfmodel.reporting.figures_of_sweeps import Panel, panel_figure, panels, study_title
from keras_selfmodel.reporting.notes import page_notes
from keras_selfmodel.reporting.origins import origins_of, settings_rows
from keras_selfmodel.reporting.report_tables import (
    Cell,
    Table,
    comparison_table,
    every_run_table,
    group_table,
    paper_table,
    trend_table,
)
from keras_selfmodel.studies import (
    METHOD,
    STATEMENTS,
    Claim,
    Controls,
    LearningCurves,
    Study,
    claims,
    controls,
    learning_curves,
    learning_rows,
    paper_comparisons,
    paper_studies,
)
from keras_selfmodel.studies.claim import ClaimVerdict
from keras_selfmodel.studies.compression import stored_compressions

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Rows of the table of runs that the page has, of these as HTML, which takes four times the bytes; the others are added
# in pieces when a reader wants them. Names of runs at a note. A page of many thousands would take megabytes.
ROWS, FIRST_ROWS, NAMES = 2000, 250, 50
VERDICTS: tuple[ClaimVerdict, ...] = ("yes", "no", "not enough data")


def report_html(
    studies: Sequence[Study], root: str | Path, damaged: Sequence[DamagedRunError] = (), *, all_runs: str = ""
) -> str:
    """The report of some runs, as the text of an HTML page.

    The paper's claims with verdicts come first, then its numbers beside ours, the figures, and the tables of groups,
    tests and runs, settings, and notes on single runs. Networks with objectives other than self-modeling
    have separate sections, and so have networks that `ksm compress` compressed. Nothing in it is loaded from elsewhere.
    It can be read without JavaScript, which sorts the table of runs, and adds to it those after the first 250.

    Args:
        studies: Studies, as found by `studies.studies_of`.
        root: The folder in which the runs were found. Runs are named as seen from it.
        damaged: What is wrong with further runs there, as `experiments.find_runs` found it.
        all_runs: Name of a file beside the page that holds all runs, for more than the page shows; see `write_runs`.

    Raises:
        ImportError: If Jinja2, matplotlib or SciPy is missing.

    Example:

    >>> from keras_selfmodel import experiments, studies
    >>> found = studies.studies_of(experiments.finished_runs("sweeps/mnist"))  # doctest: +SKIP
    >>> Path("report.html").write_text(report_html(found, "sweeps/mnist"), encoding="utf-8")  # doctest: +SKIP
    """
    import jinja2

    root = Path(root)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("keras_selfmodel", "reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    sections = [_section(number, study) for number, study in enumerate(paper_studies(studies), 1)]
    beside = [_controls(number, found) for number, found in enumerate(controls(studies), 1)]
    every_run = {run.folder: run for study in studies for run in study.runs}
    runs = every_run_table(studies, root)
    learned = learning_curves(every_run.values())
    return environment.get_template("report.html").render(
        version=__version__,
        sections=sections,
        controls=beside,
        learned=[_learning(number, curves) for number, curves in enumerate(learned, 1)],
        compressed=compression_sections(stored_compressions(list(every_run.values()))),
        runs=Table(runs.columns, runs.rows[:FIRST_ROWS]),
        further_runs=[[cell.text for cell in row] for row in runs.rows[FIRST_ROWS:ROWS]],
        runs_in_all=len(runs.rows),
        all_runs=all_runs,
        names=NAMES,
        notes=page_notes(studies, root, damaged),
    )


def write_runs(studies: Sequence[Study], root: str | Path, page: Path) -> str:
    """Writes the table of all runs as a CSV file beside a page, if it has more than the page shows at first.

    Args:
        studies: Studies, as for `report_html`.
        root: The folder in which the runs were found.
        page: The HTML file; the table of "report.html" is "report-runs.csv".

    Returns:
        Its name; "" if the page shows all runs.

    Raises:
        FileExistsError: If there is a file of that name that is no such table.
    """
    table = every_run_table(studies, Path(root))
    if len(table.rows) <= FIRST_ROWS:
        return ""
    file = page.with_name(f"{page.stem}-runs.csv")
    if file.is_file() and not _starts_with(file, f"{table.columns[0]},".encode()):
        raise FileExistsError(
            f"{file}, the table of all runs beside the page, is there and is something else. Move it, or choose "
            "another name for the page."
        )
    write_csv(file, [dict(zip(table.columns, (cell.value for cell in row), strict=True)) for row in table.rows])
    return file.name


def _starts_with(file: Path, start: bytes) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(start)) == start


def summary(study: Study, found: Sequence[Claim]) -> list[str]:
    """What came out of a study, in a few sentences."""
    counts = Counter(claim.answer.verdict for claim in found)
    beside = paper_comparisons(study)
    judged = [one for one in beside if one.agrees is not None]
    count = f"{len(study.runs)} run{'' if len(study.runs) == 1 else 's'}"
    sentences = [
        f"{count} on {study.backend}, {_seeds(study)}. Of {len(found)} question{'' if len(found) == 1 else 's'}, "
        f"{_are(counts['yes'])} answered yes, {counts['no']} no, and {_are(counts['not enough data'])} undecided for "
        "lack of data."
    ]
    if judged:
        agreeing = sum(one.agrees is True for one in judged)
        sentences.append(
            f"{agreeing} of {len(judged)} numbers that can be read off the paper's figures lie within our 95 % "
            "intervals and the error of reading."
        )
    elif beside:
        sentences.append("With a single seed it cannot be decided whether a number agrees with the paper's.")
    elif study.runs[0].is_subset:
        sentences.append("Only part of the data set was used: not comparable with the paper.")
    else:
        sentences.append("The settings differ from the paper's, so its numbers are not shown.")
    return sentences


def _section(number: int, study: Study) -> dict:
    found = claims(study)
    return {
        "id": f"study-{number}",
        "title": study_title(study),
        "summary": summary(study, found),
        "hiddens": [series.hidden for series in study.series],
        "questions": [_question(name, [claim for claim in found if claim.name == name]) for name in STATEMENTS],
        "paper": paper_table(study),
        "figures": [_figure(study, panel) for panel in panels(study, paper=True)],
        "groups": group_table(study),
        "comparisons": comparison_table(study),
        "trends": trend_table(study),
        "settings": settings_rows(study),
        "origins": origins_of(study),
    }


def _controls(number: int, found: Controls) -> dict:
    title = f"{study_title(found.self_modeling)}: self-modeling and other objectives"
    return {
        "id": f"controls-{number}",
        "title": title,
        "objectives": [find_objective(name) for name in found.studies],
        "method": METHOD,
        "figures": [
            _image(frontier_figure(found, series.hidden), f"{title}, H = {series.hidden}")
            for series in found.self_modeling.series
        ],
        "groups": control_group_table(found),
        "matched": matched_accuracy_table(found),
    }


def _learning(number: int, curves: LearningCurves) -> dict:
    rows = learning_rows(curves)
    title = f"Learning curves: {curves.title}"
    return {
        "id": f"learning-{number}",
        "title": title,
        "figures": [
            _image(learning_figure(curves, hidden), title) for hidden in dict.fromkeys(p.hidden for p in curves.points)
        ],
        "points": Table(tuple(rows[0]), tuple(tuple(map(Cell.of, row.values())) for row in rows)),
    }


def _question(name: str, found: list[Claim]) -> dict:
    statement, criterion = STATEMENTS[name]
    return {
        "statement": statement,
        "criterion": criterion,
        "claims": found,
        "open": any(claim.answer.verdict != "yes" for claim in found),
    }


def _figure(study: Study, panel: Panel) -> dict:
    return _image(panel_figure(panel), f"{study_title(study)}: {panel.title}")


def _image(figure: "Figure", what: str) -> dict:
    return {
        "source": data_address(figure),
        "alternative": f"{what}. The numbers are in the table of this section.",
    }


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"


def _seeds(study: Study) -> str:
    counts = {len(group.runs) for series in study.series for group in series.groups}
    few, many = min(counts), max(counts)
    return f"{few if few == many else f'{few} to {many}'} seed{'' if many == 1 else 's'} for each mean"
