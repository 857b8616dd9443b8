"""`ksm report`: one page about many runs."""

from pathlib import Path

import click

from ksm_cli.backend import only_read
from ksm_cli.options.general import json_option
from ksm_cli.options.outputs import Output
from ksm_cli.options.run_folders import finished, folder_argument
from ksm_cli.output import print_json, print_table, require, shown, spoken_warnings


@click.command(
    "report",
    short_help="Test the paper's claims on runs; write an HTML page.",
    epilog="""\b
Examples:
  ksm report sweeps/mnist
  ksm report sweeps/mnist --out mnist.html --json""",
)
@folder_argument
@click.option(
    "--out",
    type=Output(folder=False, endings=(".html", ".htm")),
    help="HTML file to write. Default: FOLDER/report.html.",
)
@json_option
def report_command(folder: Path, out: Path | None, as_json: bool) -> None:
    """Test the paper's claims on the runs in FOLDER and write an HTML page.

    The page holds verdicts, the paper's numbers next to yours, figures, tables,
    settings and warnings, and needs no network. It shows the first 250 runs, and
    more on demand; if there are more, all are in a CSV file beside it, such as
    report-runs.csv. The verdicts are also printed; with --json, together with the
    numbers behind them. Runs with objectives other than self-modeling get a
    separate section, and so do networks that ksm compress has compressed. Runs are
    found at any depth of the folder.
    """
    require("rich", "matplotlib", "scipy", "jinja2")
    only_read()
    file = out or folder / "report.html"
    with spoken_warnings():
        from keras_selfmodel import studies
        from keras_selfmodel._whole_files import is_standard_output, write_whole
        from keras_selfmodel.reporting import report_html, write_runs
        from ksm_cli.tables.claims import claims_table

        runs = finished(folder)
        found = studies.studies_of(runs.results)
        of_paper = studies.paper_studies(found)
        answered = [studies.claims(study) for study in of_paper]
        alone = is_standard_output(file)
        if as_json and not alone:
            print_json({"report": str(file), "claims": [claim.to_dict() for claims in answered for claim in claims]})
        elif not alone:
            for study, claims in zip(of_paper, answered, strict=True):
                for table in claims_table(study, claims):
                    print_table(table)
        # After the verdicts, which must not be lost because a file cannot be written.
        page = report_html(found, folder, runs.damaged, all_runs=write_runs(found, folder, file))
        write_whole(file, lambda part: part.write_text(page, encoding="utf-8", errors="backslashreplace"))
    if not (as_json or alone):
        click.echo(f"report: {shown(file)}")
