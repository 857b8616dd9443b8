"""`ksm data`: lists the data sets, and downloads missing ones."""

import dataclasses
from pathlib import Path

import click

from ksm_cli.backend import activate
from ksm_cli.options.general import json_option
from ksm_cli.options.recipes import data_dir_option
from ksm_cli.output import print_json, print_table, printable, require

NAMES = ("mnist", "cifar10", "imdb")


@click.command(
    "data",
    epilog="""\b
Examples:
  ksm data
  ksm data --prepare mnist --data-dir ~/tensorflow_datasets""",
)
@click.option(
    "--prepare", type=click.Choice(NAMES), multiple=True, help="Data set to download and prepare; may be repeated."
)
@data_dir_option
@json_option
def data_command(prepare: tuple[str, ...], data_dir: Path | None, as_json: bool) -> None:
    """List the data sets, and download missing ones."""
    require("rich")
    activate(None)
    from keras_selfmodel import datasets
    from ksm_cli.tables.data import data_table

    for name in prepare:
        click.echo(f"Preparing {name} …", err=True)
        datasets.prepare(name, data_dir)
    found = datasets.find(data_dir)
    if as_json:
        print_json([{**dataclasses.asdict(status), "folder": str(status.folder)} for status in found])
        return
    print_table(data_table(found))
    if data_dir and not data_dir.is_dir():
        click.echo(printable(f"The folder {data_dir} does not exist."))
    for status in found:
        if not status.prepared:
            click.echo(printable(f"\n{status.name}: {status.advice}"))
