"""The data of finished runs that a command looks into."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ksm_cli.options.recipes import data_dir_option, dataset_of, opened, recipe_option

if TYPE_CHECKING:
    from keras_selfmodel.datasets import Dataset

_examples_option = click.option(
    "--examples",
    type=click.IntRange(min=1),
    help="Load only this many training and test samples, the first ones, as ksm run --examples did. Default: all.",
)


def data_options(command: Callable) -> Callable:
    """Adds the options that say where the data of the runs come from."""
    for option in (_examples_option, data_dir_option, recipe_option):
        command = option(command)
    return command


def data_of_runs(runs: Sequence, recipe_file: Path | None, data_dir: Path | None, examples: int | None) -> "Dataset":
    """The data that runs of one task were trained on.

    Args:
        runs: Results.
        recipe_file: The recipe file, of runs of a custom task.
        data_dir: Folder of TFDS data.
        examples: Number of examples to load, the first ones; `None` for all.

    Raises:
        click.UsageError: If the runs are of several tasks, or of a task other than the recipe's, or need a recipe.
    """
    from keras_selfmodel.experiments import TASKS

    tasks = sorted({run.recipe.task for run in runs})
    if len(tasks) > 1:
        raise click.UsageError(f"All runs must be of one task. Received: runs of {', '.join(tasks)}.")
    (name,) = tasks
    if name not in TASKS and recipe_file is None:
        raise click.UsageError(f"{name!r} is a custom task: pass its file with --recipe.")
    task = opened(None if recipe_file else name, recipe_file)
    if task.recipe.task != name:
        raise click.UsageError(
            f"--recipe describes another task. Received: runs of {name!r} and a recipe of {task.recipe.task!r}."
        )
    return dataset_of(task, data_dir, examples)
