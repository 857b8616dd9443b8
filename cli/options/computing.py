"""How the runs of a grid are computed, as options."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    click.option(
        "--dry-run",
        is_flag=True,
        is_eager=True,
        help="Only show what would be computed and how long it would take.",
    ),
)


@dataclass(frozen=True)
class Computing:
    """How the runs of a grid are computed.

    Attributes:
        workers: Number of runs at a time; `None` for one per core and memory.
        cluster: Fields of a `RayCluster`; `None` for processes on this machine.
        together: Whether all networks of one size are trained in one program; `None` on a GPU or TPU only.
        retry_failed: Whether runs that failed before are computed again.
        dry_run: Whether to stop after the announcement.
    """

    workers: int | None
    cluster: dict[str, Any] | None
    together: bool | None
    retry_failed: bool
    dry_run: bool


def computing_options(command: Callable) -> Callable:
    """Adds the options that say how the runs of a grid are computed: the command gets a `Computing` as `computing`."""
    names = [field.name for field in dataclasses.fields(Computing)]

    @functools.wraps(command)
    def with_record(**values: Any) -> Any:
        return command(computing=Computing(**{name: values.pop(name) for name in names}), **values)

    return functools.reduce(lambda changed, option: option(changed), reversed(_HOW), cluster_options(with_record))
