"""`ksm runs`: what is in a folder of runs."""

from pathlib import Path

import click

from ksm_cli.backend import only_read
from ksm_cli.options.general import json_option
from ksm_cli.output import print_json, print_table, require, shown, spoken_warnings


@click.command(
    "runs",
    short_help="List the runs in a folder.",
    epilog="""\b
Examples:
  ksm runs
  ksm runs sweeps/mnist
  ksm runs runs --json""",
)
@click.argument("folder", default="runs", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def runs_command(folder: Path, as_json: bool) -> None:
    """List the runs in FOLDER and below it: their state, and what was measured.

    FOLDER defaults to runs. A run is finished, unfinished (ksm run --resume
    continues it), failed (ksm sweep --retry-failed tries again) or damaged.
    """
    require("rich")
    only_read()
    with spoken_warnings():
        from keras_selfmodel import experiments
        from ksm_cli.tables.runs import listing_json, listing_table

        found = experiments.listed_runs(folder)
    if as_json:
        print_json(listing_json(found))
    elif not found:
        raise click.ClickException(f"{shown(folder)} contains no runs. Create some with ksm run or ksm sweep.")
    else:
        print_table(listing_table(found, folder))
        for reason in (one.reason for one in found if one.reason):
            click.echo(shown(reason), err=True)
