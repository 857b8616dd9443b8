"""All tasks by name: the paper's and custom ones."""

from keras_selfmodel.experiments.custom.custom_task import CustomTask
from keras_selfmodel.experiments.paper_tasks import TASKS
from keras_selfmodel.experiments.task import Task

_custom: dict[str, CustomTask] = {}


def add_task(task: CustomTask) -> CustomTask:
    """Registers a custom task under its name in this process, replacing an earlier one of that name.

    Args:
        task: What `read_recipe_file` returned.

    Returns:
        The task.

    Raises:
        ValueError: If a task of the paper has that name.
    """
    name = task.recipe.task
    if name in TASKS:
        raise ValueError(f"{name!r} is the name of a task of the paper. Choose another name.")
    _custom[name] = task
    return task


def custom_task(name: str) -> CustomTask | None:
    """The custom task called `name`, or `None` if there is none."""
    return _custom.get(name)


def find_task(name: str) -> Task:
    """The task called `name`.

    Raises:
        ValueError: If there is none.
    """
    if name not in TASKS and name not in _custom:
        raise ValueError(f"Unknown task {name!r}. Tasks: {sorted(TASKS) + sorted(_custom)}")
    return TASKS.get(name) or _custom[name]
