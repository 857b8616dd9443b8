"""A task of the paper, or a custom task in a recipe file: what most commands start from."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ksm_cli.options.outputs import check_spared

if TYPE_CHECKING:
    from keras_selfmodel.datasets import Dataset
    from keras_selfmodel.experiments import Task


recipe_option = click.option(
    "--recipe",
    "recipe_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file that describes custom data, network and settings, instead of a task of the paper.",
)

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder of TFDS data. Default: TFDS_DATA_DIR, else ~/tensorflow_datasets.",
)
examples_option = click.option(
    "--examples",
    type=click.IntRange(min=1),
    help="Use only this many training and test samples, the first ones. Such shortened runs are not "
    "comparable with the paper. Default: all.",
)


def check_one(task: str | None, recipe_file: Path | None, what: str, names: tuple[str, ...]) -> None:
    """Makes sure that either a task or a recipe is given.

    Args:
        task: The task's name.
        recipe_file: The value of `--recipe`.
        what: How the task is given: "TASK", "--data".
        names: The possible names.

    Raises:
        click.UsageError: If both are given, or neither.
    """
    if task is None and recipe_file is None:
        kind = "option" if what.startswith("-") else "argument"
        raise click.UsageError(f"Missing {kind} '{what}', one of {', '.join(names)}; or --recipe FILE.")
    if task is not None and recipe_file is not None:
        raise click.UsageError(f"{what} and --recipe exclude each other. Received: {task} and --recipe {recipe_file}.")


def opened(task: str | None, recipe_file: Path | None, outputs: dict[str, Path | None]) -> "Task":
    """The task asked for; a recipe's task is also registered with the package.

    Args:
        task: Its name.
        recipe_file: The value of `--recipe`.
        outputs: Files and folders that are written, by the option: none may be what the recipe names.

    Raises:
        click.UsageError: If one is.
    """
    from keras_selfmodel import experiments

    if recipe_file is not None:
        described = experiments.read_recipe_file(recipe_file)
        check_spared(described, outputs)
        return experiments.add_task(described)
    if task is None:
        raise click.UsageError("Missing task. Give its name or --recipe FILE.")
    return experiments.find_task(task)


def dataset_of(task: "Task", data_dir: Path | None, examples: int | None = None) -> "Dataset":
    """The data set of a task, or its first examples.

    Raises:
        click.UsageError: If more training samples are asked for than there are.
    """
    from keras_selfmodel import datasets, experiments

    if isinstance(task, experiments.CustomTask):
        dataset = task.load(data_dir)
    else:
        dataset = datasets.load(task.recipe.task, data_dir)
    if examples is None:
        return dataset
    if examples > len(dataset.y_train):
        raise click.UsageError(
            f"--examples must be at most {len(dataset.y_train):,}, the number of training samples of {dataset.source}. "
            f"Received: {examples:,}."
        )
    return datasets.limited(dataset, examples)
