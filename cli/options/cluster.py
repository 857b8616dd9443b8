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
        help="Where runs are computed: processes on this machine, or tasks on a Ray cluster.",
    ),
    click.option(
        "--address",
        help="Ray: the cluster, such as HOST:6379, or auto for the one running here. Default: RAY_ADDRESS, else a "
        "new one.",
    ),
    click.option("--cpus-per-task", type=click.IntRange(min=1), help="Ray: cores per task. Default: 1."),
    click.option(
        "--gpus-per-task", type=click.FloatRange(min=0), help="Ray: GPUs per task; may be a fraction. Default: 0."
    ),
    click.option(
        "--memory-per-task",
        type=click.FloatRange(min=0, min_open=True),
        help="Ray: gigabytes reserved per task. Default: none reserved.",
    ),
    click.option(
        "--runs-per-task",
        type=click.IntRange(min=1),
        help="Ray: maximum number of runs per task; fewer if that keeps more machines busy. Default: 4.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(min=0),
        help="Ray: number of retries for a run whose process or machine died. Default: 3.",
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
            raise click.UsageError(f"--{next(iter(given)).replace('_', '-')} needs --executor ray.")
        if executor == "ray" and rest["workers"] is not None:
            raise click.UsageError(
                "--workers needs --executor local. On Ray, as many tasks run as the cluster has room for: set "
                "--cpus-per-task, --gpus-per-task and --memory-per-task."
            )
        if executor == "ray":
            require("ray", extra="distributed")
        return command(cluster=given if executor == "ray" else None, **rest)

    for option in reversed(OPTIONS):
        with_cluster = option(with_cluster)
    return with_cluster
