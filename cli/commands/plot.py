"""`ksm plot`: the paper's figures, from any runs."""

from pathlib import Path

import click

from ksm_cli.backend import only_read
from ksm_cli.options.figures import format_list
from ksm_cli.options.general import json_option
from ksm_cli.options.outputs import Output
from ksm_cli.options.run_folders import finished, folder_argument
from ksm_cli.output import figure_writers, print_json, printable, require, spoken_warnings, write_all


@click.command(
    "plot",
    epilog="""\b
Examples:
  ksm plot sweeps/mnist
  ksm plot sweeps/mnist --paper --format png --out figures""",
)
@folder_argument
@click.option("--out", type=Output(folder=True), help="Folder. Default: FOLDER/figures.")
@click.option("--paper", is_flag=True, help="Mark the paper's values where the runs have its settings.")
@click.option("--format", "formats", metavar="LIST", default="png,svg", show_default=True, help="png, svg or both.")
@json_option
def plot_command(folder: Path, out: Path | None, paper: bool, formats: str, as_json: bool) -> None:
    """Draw the paper's Figures 2, 3 and 4 from the runs in FOLDER.

    One figure per task: the weight spread during training, and spread, RLCT and
    accuracy against the auxiliary weight, as means with 95 % intervals over the
    seeds. Runs that differ in other settings get separate figures. Runs with other
    objectives are drawn next to self-modeling: RLCT and spread against accuracy.
    Runs are found at any depth of the folder.
    """
    chosen = format_list(formats)
    require("matplotlib", "scipy")
    only_read()
    with spoken_warnings():
        from keras_selfmodel import studies
        from keras_selfmodel.reporting import control_figures, sweep_figures

        found = studies.studies_of(finished(folder).results)
        of_paper = studies.paper_studies(found)
        figures = {**sweep_figures(of_paper, paper=paper), **control_figures(studies.controls(found))}
        writers = figure_writers(figures, out or folder / "figures", chosen)
        write_all(*writers.values())
    if paper and not any(run.paper is not None for study in of_paper for run in study.runs):
        click.secho(
            "Warning: no run has the paper's settings, so none of its values are marked.", fg="yellow", err=True
        )
    if as_json:
        print_json({"figures": list(writers)})
    else:
        click.echo("\n".join(map(printable, writers)))
