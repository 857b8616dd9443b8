"""Computes the runs of a grid, for the commands that have one."""

import contextlib
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ksm_cli.arguments_as_options import in_options
from ksm_cli.backend import import_keras
from ksm_cli.output import Bar, Interrupted, printable, shown
from ksm_cli.sweep_progress import SweepBar, duration

if TYPE_CHECKING:
    from keras_selfmodel.datasets import Dataset
    from keras_selfmodel.experiments import RayCluster, SweepResult
    from ksm_cli.options.computing import Computing


# The largest memory observed: ResNet-18 on PyTorch takes 2.7 GB, an RLCT of IMDB 2.2 to 2.6, MNIST up to 1.7.
BYTES_OF_A_WORKER = 3e9


def computed(
    recipes: list,
    dataset: "Dataset",
    folder: Path,
    announcement: str,
    *,
    data_dir: Path | None,
    quiet: bool,
    computing: "Computing",
) -> "SweepResult | None":
    """Announces how long a grid of runs will take, and computes the missing runs.

    Args:
        recipes: The runs.
        dataset: Their data.
        folder: The sweep's folder.
        announcement: Description of the grid, printed first.
        data_dir: Folder of TFDS data.
        quiet: Whether to print nothing.
        computing: How they are computed.

    Returns:
        An `experiments.SweepResult`; `None` after a dry run.

    Raises:
        Interrupted: If Ctrl-C was pressed, or a signal asked the program to end.
    """
    from keras_selfmodel import experiments

    plan = experiments.plan_sweep(recipes, dataset, folder, retry_failed=computing.retry_failed)
    if not quiet:
        failed = f", {len(plan.failures)} failed before" if plan.failures else ""
        kept = f"{len(plan.kept)} run{'' if len(plan.kept) == 1 else 's'} finished"
        state = f"folder {shown(folder)}: {kept}{failed}, {len(plan.jobs)} to compute"
        click.echo(f"{announcement}\n{state}", err=True)
    if not plan.jobs:
        return None if computing.dry_run else experiments.ended_sweep(plan, plan.kept, plan.failures, dataset)
    with Bar(quiet) as bar:
        bar.loading("Keras")
        import_keras()
    from keras_selfmodel import transforms

    accelerated = not transforms.devices()[0].lower().startswith("cpu")
    machines = None if computing.cluster is None else experiments.RayCluster(**computing.cluster)
    if machines is not None:
        accelerated = machines.gpus_per_task > 0
    together = computing.together
    if together is None:
        together = accelerated and all(map(experiments.can_be_trained_together, plan.jobs))
    if together:
        experiments.check_together(plan.jobs)  # here, so that a dry run fails where the sweep would
    workers = min(computing.workers or (1 if accelerated else _workers()), len(plan.jobs))
    if machines is not None and not quiet:
        click.echo(_tasks(machines), err=True)
    elif not quiet:
        with Bar(quiet) as bar:
            bar.phase("estimating the time")
            expected = experiments.expected_time(plan, dataset)
        way = f"{workers} runs at a time" if workers > 1 else "one run after another"
        source = " and ".join(expected.sources)
        seconds = expected.seconds / workers
        time = "less than a second" if seconds < 1 else f"about {duration(seconds)}"
        click.echo(f"expected time: {time} of training and sampling\n  {way}\n  from {source}", err=True)
        if workers > 1:
            click.echo("  without the start of the processes, each of which imports Keras first", err=True)
        if any(job.recipe.rlct is not None and not job.recipe.descend for job in plan.jobs):
            click.echo("  without the RLCT after descent, which takes as long again where it is needed", err=True)
        if together:
            sampled = accelerated and any(map(experiments.can_be_measured_together, plan.jobs))
            what = "trained and sampled together" if sampled else "trained together"
            click.echo(f"less than that, because networks of one size are {what}", err=True)
        click.echo(err=True)
    if computing.dry_run:
        return None
    with SweepBar(quiet, plan) as bar, _only_the_result(machines):
        try:
            return experiments.sweep(
                plan,
                dataset,
                data_dir=data_dir,
                workers=workers,
                together=together,
                cluster=machines,
                progress=bar.progress(),
            )
        except KeyboardInterrupt:
            raise Interrupted(f"To continue the sweep in {folder}, repeat the command.") from None


def raise_failures(result: "SweepResult", runs: int) -> None:
    """Ends the command with an error if runs failed, giving the reasons.

    Raises:
        click.ClickException: If any did.
    """
    if result.failures:
        lines = [f"{len(result.failures)} of {runs} runs failed (retry them with --retry-failed):"]
        lines += [f"  {name}: {printable(in_options(reason))}" for name, reason in sorted(result.failures.items())]
        raise click.ClickException("\n".join(lines))


def _workers() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not known on Windows
        return cores
    return max(1, min(cores, int(memory // BYTES_OF_A_WORKER)))


def _tasks(cluster: "RayCluster") -> str:
    where = "Ray" if cluster.address is None else f"Ray at {cluster.address}"
    takes = f"{cluster.cpus_per_task} CPU and {cluster.gpus_per_task:g} GPU"
    return f"{where}: up to {cluster.runs_per_task} runs per task, {takes} per task\n"


def _only_the_result(cluster: "RayCluster | None") -> AbstractContextManager:
    """Sends what Ray prints about dying processes to standard error: standard output is for the result alone."""
    return contextlib.nullcontext() if cluster is None else contextlib.redirect_stdout(sys.stderr)
