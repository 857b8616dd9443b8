"""The tasks by name."""

from keras_selfmodel.experiments.cifar10 import CIFAR10
from keras_selfmodel.experiments.custom.custom_task import CustomTask
from keras_selfmodel.experiments.imdb import IMDB
from keras_selfmodel.experiments.mnist import MNIST
from keras_selfmodel.experiments.task import Task

TASKS: dict[str, Task] = {"mnist": MNIST, "cifar10": CIFAR10, "imdb": IMDB}
"""Those of the paper."""

_own: dict[str, CustomTask] = {}


def add_task(task: CustomTask) -> CustomTask:
    """Makes a user's task known by its name in this process, in place of an earlier one of that name.

    Args:
        task: What `read_recipe_file` returned.

    Returns:
        The task.

    Raises:
        ValueError: If a task of the paper has that name.
    """
    name = task.recipe.task
    if name in TASKS:
        raise ValueError(f"{name!r} is a task of the paper. Choose another name.")
    _own[name] = task
    return task


def custom_task(name: str) -> CustomTask | None:
    """The user's task called `name`, or `None` if there is none."""
    return _own.get(name)


def find_task(name: str) -> Task:
    """The task called `name`.

    Raises:
        ValueError: If there is none.
    """
    if name not in TASKS and name not in _own:
        raise ValueError(f"No task {name!r}. Tasks: {sorted(TASKS) + sorted(_own)}")
    return TASKS.get(name) or _own[name]
