"""One run of a sweep."""

from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.task import Task
from keras_selfmodel.experiments.tasks import find_task


@dataclass(frozen=True)
class Job:
    """A run to be computed.

    Attributes:
        recipe: Its settings.
        folder: Its run folder.
        anew_if_damaged: Whether a folder with a damaged file is emptied and the run computed from its start.
    """

    recipe: Recipe
    folder: Path
    anew_if_damaged: bool = False

    @property
    def task(self) -> Task:
        """The task of its recipe; not kept, because jobs are sent to other processes, which know tasks by their names.

        Raises:
            ValueError: If there is none of that name.
        """
        return find_task(self.recipe.task)
