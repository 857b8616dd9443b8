"""`ksm compare`: runs side by side."""

import textwrap
from pathlib import Path

import click

from ksm_cli.backend import only_read
from ksm_cli.options.general import json_option
from ksm_cli.options.run_folders import each_once, say_damaged, say_shortcomings
from ksm_cli.output import print_json, print_table, printable, require, shown, spoken_warnings

# Number of runs shown.
RUNS_SHOWN = 50


@click.command(
    "compare",
    short_help="Compare runs side by side.",
    epilog="""\b
Examples:
  ksm compare runs/aw0 runs/aw10
  ksm compare sweeps/mnist/mnist-hidden512-*-seed1-jax --json""",
)
@click.argument(
    "folders",
    metavar="RUN RUN ...",
    nargs=-1,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    callback=each_once,
)
@json_option
def compare_command(folders: tuple[Path, ...], as_json: bool) -> None:
    """Compare runs side by side: the settings that differ, and the measures.

    Each RUN is the folder of a finished run. Below each measure are its
    verdict, where it has one, and its difference from the first run. Errors are
    standard errors of a single sampling; for the variation between seeds, see
    ksm report. Only the first 50 runs are shown; --json includes all.
    """
    if len(folders) < 2:
        raise click.UsageError(f"A comparison needs two runs or more. Received: {len(folders)}.")
    require("rich")
    only_read()
    with spoken_warnings():
        from keras_selfmodel import experiments, studies
        from ksm_cli.tables.comparison import compare_json, compare_tables

        runs, damaged, unfinished = [], [], []
        for folder in folders:
            try:
                runs.append((folder, experiments.read_run(folder)))
            except experiments.DamagedRunError as error:
                damaged.append(error)
            except experiments.UnfinishedRunError as error:
                unfinished.append(error)
        for left_out in unfinished:
            click.secho(f"Left out: {printable(str(left_out))}", fg="yellow", err=True)
        say_damaged(damaged)
        if len(runs) < 2:
            raise click.ClickException(
                f"A comparison needs two runs or more. Finished runs that can be read: {len(runs)}."
            )
        folders, results = zip(*runs, strict=True)
        say_shortcomings(results)
        found = studies.side_by_side(results)
    if as_json:
        print_json(compare_json(found, folders))
        return
    for number, folder in enumerate(folders[:RUNS_SHOWN], 1):
        click.echo(f"{number}: {shown(folder)}")
    for table in compare_tables(found, RUNS_SHOWN):
        print_table(table)
    for note in found.notes:
        click.echo(textwrap.fill(note, 80))
    if len(folders) > RUNS_SHOWN:
        click.echo(
            f"Only the first {RUNS_SHOWN} of {len(folders)} runs are shown. For all runs, use --json; for means over "
            "seeds, use ksm report."
        )
