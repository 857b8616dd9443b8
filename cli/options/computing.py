"""How the runs of a grid are computed, as options."""

import functools
from collections.abc import Callable

import click

from ksm_cli.options.cluster import cluster_options

_HOW = (
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        help="Runs at a time, each with its share of the cores. Default: the number of cores, with 3 GB of memory for "
        "each; 1 on a GPU or TPU.",
    ),
    click.option(
        "--together/--one-by-one",
        default=None,
        help="Train all networks of one size as one program, on a GPU or TPU measure them so too; or each alone. "
        "Default: together on a GPU or TPU.",
    ),
    click.option("--retry-failed", is_flag=True, help="Try again what failed before."),
    click.option("--dry-run", is_flag=True, help="Show what would be computed, and how long it would take; end there."),
)


def computing_options(command: Callable) -> Callable:
    """Adds the options that say how the runs of a grid are computed; `computed` takes them."""
    return functools.reduce(lambda changed, option: option(changed), reversed(_HOW), cluster_options(command))
