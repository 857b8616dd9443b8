"""`ksm sweep`: a grid of runs, trained and measured."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from ksm_cli.backend import activate, backend_option
from ksm_cli.cluster import cluster_options
from ksm_cli.grids import GRIDS, numbers
from ksm_cli.keep_epochs import keep_epochs_option, keeping
from ksm_cli.objectives import objective_list
from ksm_cli.output import Interrupted, json_option, print_json, print_table, quiet_option, require, spoken_warnings
from ksm_cli.recipes import check_one, data_dir_option, data_of, opened, recipe_option
from ksm_cli.run import TASK_NAMES, precision_option, recipe_of, rlct_switch
from ksm_cli.sweep_progress import SweepBar, duration

# The largest of what was seen: ResNet-18 on PyTorch takes 2.7 GB, an RLCT of IMDB 2.2 to 2.6, MNIST up to 1.7.
BYTES_OF_A_WORKER = 3e9


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


@click.command(
    short_help="Train and measure a grid of networks.",
    epilog="""\b
Examples:
  ksm sweep mnist --dry-run
  ksm sweep mnist --hidden 64,512 --aux-weight 0,10,50 --seeds 1-5
  ksm sweep mnist --seeds 1-3 --no-rlct --out sweeps/quick --retry-failed
  ksm sweep mnist --objective weight-decay --aux-weight 0,0.001,0.01
  ksm sweep mnist --executor ray --address auto --gpus-per-task 0.5
  ksm sweep --recipe examples/digits/digits.toml --aux-weight 0,1,10""",
)
@click.argument("task", type=click.Choice(TASK_NAMES), required=False)
@recipe_option
@backend_option
@click.option("--hidden", metavar="LIST", help="Units of the hidden layer, such as 64,128. Default: the paper's.")
@click.option("--aux-weight", metavar="LIST", help="Auxiliary weights, such as 0,10,50. Default: the paper's.")
@click.option(
    "--objective",
    metavar="LIST",
    help="What is trained on besides the task, such as self-modeling,dropout; ksm run --help lists them. Others than "
    "self-modeling need --aux-weight, their strengths.",
)
@click.option("--seeds", metavar="LIST", help="Seeds, such as 1-10 or 1,4,7. Default: 1-10.")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training data. Default: the paper's.")
@click.option("--batch-size", type=click.IntRange(min=2), help="Samples of one step. Default: the paper's.")
@click.option("--targets", multiple=True, help="Layer to predict; may be given several times.")
@precision_option
@rlct_switch
@keep_epochs_option
@data_dir_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder. Default: sweeps/TASK.")
@computing_options
@json_option
@quiet_option
def sweep(
    task,
    recipe_file,
    backend,
    hidden,
    aux_weight,
    objective,
    seeds,
    targets,
    measure_rlct,
    keep_epochs,
    data_dir,
    out,
    as_json,
    quiet,
    workers,
    cluster,
    together,
    retry_failed,
    dry_run,
    **settings,
) -> None:
    """Train and measure a grid of networks, and go on where it was stopped.

    Without options: the paper's grid of the task; of a --recipe, its settings with
    and without its auxiliary weight, seeds 1-3. Runs that are in the folder are
    kept, so the same command goes on after an interruption, and a longer list adds
    to what is there. The folder holds one run folder a network, as ksm run makes
    them, and results.csv with one row each.
    """
    check_one(task, recipe_file, "TASK", TASK_NAMES)
    objectives = objective_list(objective)
    if aux_weight is None and objectives != ["self-modeling"]:
        raise click.UsageError(f"--objective {objective} needs --aux-weight, its strengths.")
    require("rich", "matplotlib", "filelock")
    grid = GRIDS[task] if task else {"hidden": None, "aux_weight": None, "seeds": "1-3"}
    values = {
        "hidden": numbers(hidden or grid["hidden"], int, "--hidden", least=1),
        "aux_weights": numbers(aux_weight or grid["aux_weight"], float, "--aux-weight", least=0),
        "seeds": numbers(seeds or grid["seeds"], int, "--seeds", least=0),
    }
    backend = activate(backend)
    with spoken_warnings():
        from keras_selfmodel import experiments

        chosen = opened(task, recipe_file)
        recipe = keeping(recipe_of(chosen.recipe, targets, measure_rlct, settings), keep_epochs)
        # What a recipe says, where no list was given.
        values["hidden"] = values["hidden"] or [recipe.hidden]
        values["aux_weights"] = values["aux_weights"] or sorted({0.0, recipe.aux_weight})
        strengths = dict.fromkeys(objectives, values["aux_weights"])
        try:
            recipes = experiments.objectives_grid(recipe, strengths, hidden=values["hidden"], seeds=values["seeds"])
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        folder = out or Path("sweeps") / recipe.task
        announcement = _announcement(recipe.task, backend, values, objectives)
        result = computed(
            recipes,
            data_of(chosen, data_dir),
            folder,
            announcement,
            data_dir=data_dir,
            quiet=quiet,
            workers=workers,
            cluster=cluster,
            together=together,
            retry_failed=retry_failed,
            dry_run=dry_run,
        )
    if result is None:
        return
    if as_json:
        print_json({"rows": [experiments.row_of(r) for r in result.results], "failures": result.failures})
    else:
        from ksm_cli.sweep_table import sweep_tables

        for table in sweep_tables(result.results):
            print_table(table)
        if result.results:
            click.echo(f"table of all runs: {folder / 'results.csv'}")
    raise_failures(result, len(recipes))


def computed(
    recipes: list,
    dataset,
    folder: Path,
    announcement: str,
    *,
    data_dir: Path | None,
    quiet: bool,
    workers: int | None,
    cluster: dict | None,
    together: bool | None,
    retry_failed: bool,
    dry_run: bool,
):
    """Says what a grid of runs will take, and computes what is missing of it.

    Args:
        recipes: The runs.
        dataset: Their data.
        folder: The sweep's folder.
        announcement: What is said of the grid before.
        data_dir: Folder of TFDS data.
        quiet: Whether nothing is said.
        workers, cluster, together, retry_failed, dry_run: Values of `computing_options`.

    Returns:
        An `experiments.SweepResult`; `None` after a dry run.

    Raises:
        Interrupted: If Ctrl-C was pressed.
    """
    from keras_selfmodel import experiments, transforms

    plan = experiments.plan_sweep(recipes, dataset, folder, retry_failed=retry_failed)
    accelerated = not transforms.devices()[0].lower().startswith("cpu")
    if cluster is not None:
        cluster = experiments.RayCluster(**cluster)
        accelerated = cluster.gpus_per_task > 0
    if together is None:
        together = accelerated and all(experiments.can_be_trained_together(recipe) for recipe in recipes)
    workers = min(workers or (1 if accelerated else _workers()), max(1, len(plan.jobs)))
    if not quiet:
        failed = f", {len(plan.failures)} failed before" if plan.failures else ""
        state = f"folder {folder}: {len(plan.kept)} runs finished{failed}, {len(plan.jobs)} to compute"
        click.echo(f"{announcement}\n{state}", err=True)
    if plan.jobs and cluster is not None and not quiet:
        click.echo(_tasks(cluster), err=True)
    elif plan.jobs and not quiet:
        seconds = experiments.expected_seconds(plan, dataset) / workers
        way = f"{workers} runs at a time" if workers > 1 else "one run after another"
        click.echo(f"expected time: about {duration(seconds)} of training and sampling, {way}", err=True)
        if together:
            sampled = accelerated and any(experiments.can_be_measured_together(recipe) for recipe in recipes)
            what = "trained, and their chains moved, together" if sampled else "trained together"
            click.echo(f"less, because networks of one size are {what}", err=True)
        click.echo(err=True)
    if dry_run:
        return None
    with SweepBar(quiet, plan) as bar, _only_the_result(cluster):
        try:
            return experiments.sweep(
                plan,
                dataset,
                data_dir=data_dir,
                workers=workers,
                together=together,
                cluster=cluster,
                progress=bar.progress(),
            )
        except KeyboardInterrupt:
            raise Interrupted(f"The same command goes on with what is missing in {folder}.") from None


def raise_failures(result, runs: int) -> None:
    """Ends the command with the reasons of the runs that failed, if any did.

    Raises:
        click.ClickException: If any did.
    """
    if result.failures:
        lines = [f"{len(result.failures)} of {runs} runs failed (--retry-failed tries them again):"]
        lines += [f"  {name}: {reason}" for name, reason in sorted(result.failures.items())]
        raise click.ClickException("\n".join(lines))


def _workers() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows does not tell
        return cores
    return max(1, min(cores, int(memory // BYTES_OF_A_WORKER)))


def _tasks(cluster) -> str:
    where = "Ray" if cluster.address is None else f"Ray at {cluster.address}"
    takes = f"{cluster.cpus_per_task} CPU and {cluster.gpus_per_task:g} GPU"
    return f"{where}: up to {cluster.runs_per_task} runs a task, each task on {takes}\n"


def _only_the_result(cluster):
    """Keeps what Ray says of dying processes out of standard output, where it says it."""
    return contextlib.nullcontext() if cluster is None else contextlib.redirect_stdout(sys.stderr)


def _announcement(task: str, backend: str, values: dict[str, list], objectives: list[str]) -> str:
    lines = [
        f"{task} on {backend}: " + " × ".join(f"{len(v)} {name.replace('_', ' ')}" for name, v in values.items()),
        *(f"  {name.replace('_', ' '):<12} {', '.join(f'{v:g}' for v in vs)}" for name, vs in values.items()),
    ]
    return "\n".join(lines if objectives == ["self-modeling"] else [*lines, f"  objectives   {', '.join(objectives)}"])
