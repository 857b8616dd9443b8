"""The data of finished runs that a command looks into."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ksm_cli.options.recipes import data_dir_option, dataset_of, opened, recipe_option
from ksm_cli.output import shown, usage_error

if TYPE_CHECKING:
    from keras_selfmodel.datasets import Dataset
    from keras_selfmodel.experiments import Task

_examples_option = click.option(
    "--examples",
    type=click.IntRange(min=1),
    help="Number of samples that the runs were trained on, the first ones; only for runs that did not record it. "
    "Default: the recorded number.",
)


def data_options(command: Callable) -> Callable:
    """Adds the options that say where the data of the runs come from."""
    for option in (_examples_option, data_dir_option, recipe_option):
        command = option(command)
    return command


def data_of_runs(
    runs: Sequence,
    recipe_file: Path | None,
    data_dir: Path | None,
    examples: int | None,
    outputs: dict[str, Path | None],
) -> "Dataset":
    """The data that runs of one task were trained on.

    Args:
        runs: Results.
        recipe_file: The recipe file, of runs of a custom task.
        data_dir: Folder of TFDS data.
        examples: Number of samples the runs were trained on, if somebody says so; `None` for what they recorded.
        outputs: Files and folders that are written, by the option: none may be what the recipe names.

    Raises:
        click.UsageError: If the runs are of several tasks or numbers of samples, or of a task or number of samples
            other than those given, or need a recipe, or if an output is what the recipe names.
        ValueError: If a run was trained on other data.
    """
    from keras_selfmodel.datasets import limited
    from keras_selfmodel.experiments import TASKS
    from keras_selfmodel.studies import StoredRun, examples_of_runs

    tasks = sorted({run.recipe.task for run in runs})
    if len(tasks) > 1:
        raise click.UsageError(f"All runs must be of one task. Received: runs of {', '.join(tasks)}.")
    (name,) = tasks
    if name not in TASKS and recipe_file is None:
        raise click.UsageError(f"{name!r} is not a built-in task. If it is a custom one, pass its file with --recipe.")
    task = opened(None if recipe_file else name, recipe_file, outputs)
    if task.recipe.task != name:
        raise click.UsageError(
            f"--recipe describes another task. Received: runs of {name!r} and a recipe of {task.recipe.task!r}."
        )
    try:
        recorded = examples_of_runs(runs)
    except ValueError as error:
        raise usage_error(error) from error
    if examples is not None and recorded not in (None, examples):
        raise click.UsageError(
            f"--examples must be the number of samples that the runs were trained on, {recorded:,}, as it is by "
            f"default. Leave it out{_taking_fewer()}. Received: {examples:,}."
        )
    dataset = dataset_of(task, data_dir, examples)
    if recorded is not None:  # If the data found here are fewer, they are other data, which is said below.
        dataset = limited(dataset, recorded)
    for run in runs:
        if run.config is not None:  # Of others nobody knows; the work on them says so.
            StoredRun(run).check_data(dataset)
    return dataset


def _taking_fewer() -> str:
    """Names the options of the running command that take a part of the runs' data, as the end of a sentence."""
    context = click.get_current_context(silent=True)
    options = [one.opts[0] for one in context.command.params if one.opts[0].endswith("samples")] if context else []
    return f"; {' and '.join(options)} take{'s' if len(options) == 1 else ''} fewer samples" if options else ""


def data_of_network(file: Path, task: "Task", data_dir: Path | None, examples: int | None) -> "Dataset":
    """The data of a network in a file; if it lies in the folder of a run, the samples of this run, which is said.

    Args:
        file: Any file.
        task: What the data belong to.
        data_dir: Folder of TFDS data.
        examples: Number of examples to load, the first ones; `None` for those of the run, or all.
    """
    from keras_selfmodel.studies import samples_of_network

    dataset = dataset_of(task, data_dir, examples)
    if examples is not None:
        return dataset
    of_run = samples_of_network(file, dataset)
    if of_run is not dataset:
        words = f"{shown(file)} was trained on the first {len(of_run.y_train):,} samples: the RLCT is measured on them."
        click.echo(f"{words} --examples changes that.", err=True)
    return of_run
