"""`ksm run`: train one network and measure it."""

import dataclasses
from pathlib import Path

import click

from ksm_cli.backend import activate, backend_option
from ksm_cli.output import (
    Bar,
    Interrupted,
    json_option,
    print_json,
    print_table,
    quiet_option,
    require,
    spoken_warnings,
)

TASK_NAMES = ("mnist", "cifar10", "imdb")


@click.command(
    epilog="""\b
Examples:
  ksm run mnist --backend jax
  ksm run mnist --aux-weight 50 --seed 3 --out runs/aw50
  ksm run imdb --aux-weight 500
  ksm run cifar10 --examples 256 --epochs 2 --no-rlct --json"""
)
@click.argument("task", type=click.Choice(TASK_NAMES))
@backend_option
@click.option(
    "--hidden",
    type=click.IntRange(min=1),
    help="Units of the hidden layer. Default: mnist 512, cifar10 2000, imdb 128.",
)
@click.option(
    "--aux-weight",
    type=click.FloatRange(min=0),
    help="Weight of the self-prediction loss; 0 for none. Default: mnist 10, cifar10 1, imdb 100.",
)
@click.option(
    "--targets",
    multiple=True,
    help="Layer to predict; may be repeated. Default: hidden, of cifar10 last_block and hidden.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the training data. Default: mnist 50, cifar10 250, imdb 500.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=2),
    help="Samples of one step. Default: mnist 512, cifar10 64, imdb 64.",
)
@click.option(
    "--examples",
    type=click.IntRange(min=1),
    help="Only the first so many training and test examples: a trial, no comparison with the paper.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of weights, order and sampling. Default: 1.")
@click.option("--rlct/--no-rlct", "measure_rlct", default=True, help="Whether to estimate the RLCT (paper convention).")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of TFDS data. Default: TFDS_DATA_DIR.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run folder. Default: under runs/.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder; show it if it is finished.")
@json_option
@quiet_option
def run(task, backend, targets, examples, measure_rlct, data_dir, out, resume, as_json, quiet, **settings) -> None:
    """Train one self-modeling network and measure it.

    Measures the weight spread, the RLCT and how well the network predicts itself.
    Settings that are not given are the paper's. The same settings give the same
    numbers, also if the run was interrupted and resumed.
    """
    if targets and settings["aux_weight"] == 0:
        raise click.UsageError("--targets has no meaning with --aux-weight 0: nothing is predicted.")
    require("rich", "matplotlib")
    backend = activate(backend)
    with spoken_warnings():
        from keras_selfmodel import datasets, experiments

        recipe = recipe_of(experiments.find_task(task).recipe, targets, measure_rlct, settings)
        folder = out or Path("runs") / (
            f"{task}-hidden{recipe.hidden}-aux{recipe.aux_weight:g}-seed{recipe.seed}-{backend}"
        )
        dataset = datasets.load(task, data_dir)
        if examples is not None:
            dataset = datasets.limited(dataset, examples)
        with Bar(quiet) as bar:
            progress = experiments.Progress(
                epoch=lambda done, total, row: bar.show("epochs", done, total, _note(row)),
                sampling=lambda done, total: bar.show("RLCT", done, total),
                descended=lambda done, total: bar.show("  again", done, total, "after descent"),
            )
            try:
                result = experiments.run(recipe, dataset, folder, resume=resume, progress=progress)
            except KeyboardInterrupt:
                advice = f"The same command with --resume goes on with the run in {folder}."
                raise Interrupted(advice) from None
            except experiments.FolderTakenError as error:
                state, resumed = ("a finished", "shows it") if error.finished else ("an unfinished", "goes on with it")
                raise click.ClickException(
                    f"{folder} holds {state} run. --resume {resumed}; --out chooses another folder."
                ) from None
    if as_json:
        print_json({**result.metrics(), "seconds": result.seconds, "folder": str(folder)})
    else:
        from ksm_cli.run_table import run_notes, run_table

        print_table(run_table(result))
        click.echo(run_notes(result))
        for sentence in result.rlct_warnings:
            click.secho(f"Warning: {sentence}", fg="yellow", err=True)


def recipe_of(paper, targets, measure_rlct: bool, settings: dict):
    """The paper's recipe with what the options change.

    Raises:
        click.UsageError: If a setting is out of its range.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if targets:
        given["targets"] = tuple(targets)
    rlct = dataclasses.replace(paper.rlct, batch_size=given.get("batch_size", paper.batch_size))
    try:
        return dataclasses.replace(paper, **given, rlct=rlct if measure_rlct else None)
    except ValueError as error:  # NaN and infinity, which a click range lets through.
        raise click.UsageError(str(error)) from error


def _note(row: dict[str, float]) -> str:
    return f"loss {row['loss']:.3g}  accuracy {row.get('val_accuracy', row['accuracy']):.4f}"
