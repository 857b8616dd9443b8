"""The options of `ksm sweep` that say where its runs are computed."""

import functools
from collections.abc import Callable

import click

from ksm_cli.output import require

OPTIONS = (
    click.option(
        "--executor",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Processes of this machine, or tasks of a Ray cluster.",
    ),
    click.option(
        "--address",
        help="Ray cluster, such as HOST:6379, or auto for this machine's. Default: RAY_ADDRESS, else one of its own.",
    ),
    click.option("--cpus-per-task", type=click.IntRange(min=1), help="Ray: cores of a task. Default: 1."),
    click.option(
        "--gpus-per-task", type=click.FloatRange(min=0), help="Ray: GPUs of a task, or a part of one. Default: 0."
    ),
    click.option(
        "--memory-per-task",
        type=click.FloatRange(min=0, min_open=True),
        help="Ray: gigabytes that must be free for a task. Default: not asked for.",
    ),
    click.option(
        "--runs-per-task",
        type=click.IntRange(min=1),
        help="Ray: runs of a task at most, fewer where that keeps more machines at work. Default: 4.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(min=0),
        help="Ray: how often a run whose process or machine died is tried again. Default: 3.",
    ),
)


def cluster_options(command: Callable) -> Callable:
    """Adds the options to a command, which is given them as `cluster`: the fields of a `RayCluster`, or `None`."""

    @functools.wraps(command)
    def with_cluster(executor, address, cpus_per_task, gpus_per_task, memory_per_task, runs_per_task, retries, **rest):
        given = {
            "address": address,
            "cpus_per_task": cpus_per_task,
            "gpus_per_task": gpus_per_task,
            "memory_per_task": None if memory_per_task is None else memory_per_task * 1e9,
            "runs_per_task": runs_per_task,
            "retries": retries,
        }
        given = {name: value for name, value in given.items() if value is not None}
        if executor == "local" and given:
            raise click.UsageError(f"--{next(iter(given)).replace('_', '-')} is an option of --executor ray.")
        if executor == "ray" and rest["workers"] is not None:
            raise click.UsageError(
                "--workers is an option of --executor local. On Ray as many tasks run as the cluster has room for: "
                "--cpus-per-task, --gpus-per-task and --memory-per-task."
            )
        if executor == "ray":
            require("ray", extra="distributed")
        return command(cluster=given if executor == "ray" else None, **rest)

    for option in reversed(OPTIONS):
        with_cluster = option(with_cluster)
    return with_cluster
