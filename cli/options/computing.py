"""How the runs of a grid are computed, as options."""

import functools
from collections.abc import Callable

import click

from ksm_cli.options.cluster import cluster_options

_HOW = (
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        help="Number of runs at a time, which share the cores. Default: one per core and 3 GB of memory; 1 on a GPU "
        "or TPU.",
    ),
    click.option(
        "--together/--one-by-one",
        default=None,
        help="Train all networks of one size in one program (and sample them in one on a GPU or TPU), or one after "
        "another. Default: together on a GPU or TPU.",
    ),
    click.option("--retry-failed", is_flag=True, help="Retry runs that failed before."),
    click.option("--dry-run", is_flag=True, help="Only show what would be computed and how long it would take."),
)


def computing_options(command: Callable) -> Callable:
    """Adds the options that say how the runs of a grid are computed; `computed` takes them."""
    return functools.reduce(lambda changed, option: option(changed), reversed(_HOW), cluster_options(command))
