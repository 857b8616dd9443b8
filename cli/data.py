"""`ksm data`: which data sets are there, and getting those that are not."""

import dataclasses

import click

from ksm_cli.backend import activate
from ksm_cli.output import json_option, print_json, print_table, require
from ksm_cli.recipes import data_dir_option

NAMES = ("mnist", "cifar10", "imdb")


@click.command(
    epilog="""\b
Examples:
  ksm data
  ksm data --prepare mnist --data-dir ~/tensorflow_datasets"""
)
@click.option("--prepare", type=click.Choice(NAMES), multiple=True, help="Download and prepare this data set.")
@data_dir_option
@json_option
def data(prepare, data_dir, as_json) -> None:
    """List the data sets, and get those that are missing."""
    require("rich")
    activate(None)
    from keras_selfmodel import datasets

    for name in prepare:
        click.echo(f"Preparing {name} …", err=True)
        datasets.prepare(name, data_dir)
    found = datasets.find(data_dir)
    if as_json:
        print_json([{**dataclasses.asdict(status), "folder": str(status.folder)} for status in found])
        return
    print_table(_table(found))
    if data_dir and not data_dir.is_dir():
        click.echo(f"There is no folder {data_dir}.")
    for status in found:
        if not status.prepared:
            click.echo(f"\n{status.name}: {status.advice}")


def _table(found):
    from rich.table import Table

    table = Table()
    for column in ("data set", "TFDS name and version", "prepared", "MB", "train", "test"):
        table.add_column(column, justify="left" if column in ("data set", "TFDS name and version") else "right")
    table.caption = f"folder: {found[0].folder.parents[1]}"
    table.caption_justify = "left"
    for status in found:
        sizes = [
            f"{status.bytes_on_disk / 1e6:.1f}",
            f"{status.train_examples:,}",
            f"{status.test_examples:,}",
        ]
        table.add_row(
            status.name,
            f"{status.tfds_name} {status.version}",
            "yes" if status.prepared else "no",
            *(sizes if status.prepared else ["", "", ""]),
        )
    return table
