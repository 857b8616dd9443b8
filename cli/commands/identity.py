"""`ksm identity`: is the self-model of a run the identity map?"""

import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ksm_cli.backend import activate
from ksm_cli.options.general import backend_option, json_option, quiet_option
from ksm_cli.options.run_folders import folders_argument
from ksm_cli.options.stored_runs import data_of_runs, data_options
from ksm_cli.output import Bar, print_json, print_table, printable, require, spoken_warnings, write_all

if TYPE_CHECKING:
    from keras_selfmodel.studies import IdentifiedRun


@click.command(
    "identity",
    short_help="Compare a network's self-model with the identity map.",
    epilog="""\b
Examples:
  ksm run mnist --keep-epochs geometric --out runs/aw10
  ksm identity runs/aw10
  ksm identity sweeps/mnist/mnist-hidden64-*-seed1-jax --json""",
)
@folders_argument("RUN [RUN ...]")
@data_options
@click.option(
    "--test-samples",
    type=click.IntRange(min=2),
    help="Number of test samples to measure on, of those of the runs. Default: all.",
)
@backend_option
@json_option
@quiet_option
def identity_command(
    folders: tuple[Path, ...],
    recipe_file: Path | None,
    data_dir: Path | None,
    examples: int | None,
    test_samples: int | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare the matrix W, by which a network predicts its own activations, with
    the identity I, after every epoch whose weights the run kept.

    The loss only depends on W − I in directions in which activations vary, so it
    can vanish while W is far from I. The table shows both distances, the R² of the
    live units (ksm run shows that of all units), and dead units and effective rank
    of the activations, on test data. identity.csv, identity.json (with spectra) and figures/identity.png are
    written to each RUN. For a run without self-model only the activations are
    described.
    """
    require("rich", "matplotlib")
    with Bar(quiet) as bar, spoken_warnings():
        bar.loading("Keras, the runs and the data")
        activate(backend)
        from keras_selfmodel import experiments, probes, studies
        from ksm_cli.tables.identity import IDENTITY_LEGEND, epochs_table, how_to_keep, runs_table

        results = experiments.read_runs(folders)
        dataset = data_of_runs(results, recipe_file, data_dir, examples, {})
        found = studies.identify_runs(results, dataset, samples=test_samples, progress=partial(bar.show, "runs"))
    if as_json:
        print_json({"runs": [{"run": str(run.files.path), **probes.identity_json(epochs)} for run, epochs in found]})
    elif len(found) == 1:
        ((run, epochs),) = found
        print_table(epochs_table(run, epochs))
        click.echo(f"{IDENTITY_LEGEND}\n")
        click.echo(textwrap.fill(probes.identity_reading(epochs), 80))
        files = f"{run.files.path}: identity.csv, identity.json, figures/identity.png"
    else:
        print_table(runs_table(found))
        click.echo(IDENTITY_LEGEND)
        files = "identity.csv, identity.json and figures/identity.png in each run"
    # After the result, which must not be lost because a file cannot be written.
    write_all(*(one.write for one in found), *(partial(_draw, one) for one in found))
    if as_json:
        return
    click.echo(printable(f"files: {files}"))
    advice = how_to_keep([run for run, _ in found])
    if advice:
        click.echo(advice, err=True)


def _draw(found: "IdentifiedRun") -> None:
    from keras_selfmodel.reporting import identity_figure, write_figure

    figure = identity_figure(found.epochs, found.run.result.recipe.name)
    write_figure(figure, found.run.files.figures / "identity.png")
