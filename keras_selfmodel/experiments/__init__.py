"""The paper's experiments: recipes, runs and their folders."""

from keras_selfmodel.experiments.paper import PaperFigures, paper_figures
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.run import Progress, run
from keras_selfmodel.experiments.run_folder import FolderBusyError, FolderTakenError, RunFolderError
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import finished_runs, read_run
from keras_selfmodel.experiments.task import Task
from keras_selfmodel.experiments.tasks import TASKS, find_task
from keras_selfmodel.experiments.training_record import TrainingDivergedError

__all__ = [
    "TASKS",
    "FolderBusyError",
    "FolderTakenError",
    "PaperFigures",
    "Progress",
    "Recipe",
    "RunFolderError",
    "RunResult",
    "Task",
    "TrainingDivergedError",
    "find_task",
    "finished_runs",
    "paper_figures",
    "read_run",
    "run",
]
