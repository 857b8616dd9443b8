"""The paper's experiments: recipes, runs and their folders."""

from typing import TYPE_CHECKING

from keras_selfmodel._lazy_room import lazily

if TYPE_CHECKING:
    from keras_selfmodel.experiments.chosen_sampling import clipped_to, sampling_settings
    from keras_selfmodel.experiments.control_strengths import CONTROL_STRENGTHS
    from keras_selfmodel.experiments.custom.custom_task import CustomTask
    from keras_selfmodel.experiments.custom.recipe_file import read_recipe_file
    from keras_selfmodel.experiments.custom.recipe_file_error import RecipeFileError
    from keras_selfmodel.experiments.folder_errors import (
        DamagedRunError,
        FolderBusyError,
        FolderTakenError,
        RunFolderError,
        UnfinishedRunError,
    )
    from keras_selfmodel.experiments.listing import ListedRun, listed_runs
    from keras_selfmodel.experiments.objectives import OBJECTIVES, SELF_MODELING, Objective, find_objective
    from keras_selfmodel.experiments.one_run import run
    from keras_selfmodel.experiments.paper import PaperFigures, paper_figures
    from keras_selfmodel.experiments.paper_tasks import TASKS
    from keras_selfmodel.experiments.progress import Progress
    from keras_selfmodel.experiments.recipe import Recipe, geometric_epochs
    from keras_selfmodel.experiments.run_config import RunConfig
    from keras_selfmodel.experiments.run_result import RunResult
    from keras_selfmodel.experiments.run_store import (
        FoundRuns,
        RunWarning,
        find_runs,
        finished_runs,
        read_run,
        read_runs,
        shortcomings,
        spread_history,
    )
    from keras_selfmodel.experiments.sweeps.ending import SweepResult, ended_sweep
    from keras_selfmodel.experiments.sweeps.forecast import ExpectedTime, expected_time
    from keras_selfmodel.experiments.sweeps.grids import grid, objectives_grid
    from keras_selfmodel.experiments.sweeps.measuring_together import can_be_measured_together, networks_sampled_at_once
    from keras_selfmodel.experiments.sweeps.paces import remember_paces
    from keras_selfmodel.experiments.sweeps.planning import Plan, plan_sweep
    from keras_selfmodel.experiments.sweeps.ray_cluster import RayCluster
    from keras_selfmodel.experiments.sweeps.results_table import row_of
    from keras_selfmodel.experiments.sweeps.sweeping import SweepProgress, sweep
    from keras_selfmodel.experiments.sweeps.training_together import (
        can_be_trained_together,
        check_together,
        networks_at_once,
    )
    from keras_selfmodel.experiments.task import Task
    from keras_selfmodel.experiments.tasks import add_task, find_task
    from keras_selfmodel.experiments.training.training_record import TrainingDivergedError

__all__ = [
    "CONTROL_STRENGTHS",
    "ListedRun",
    "OBJECTIVES",
    "SELF_MODELING",
    "TASKS",
    "DamagedRunError",
    "FolderBusyError",
    "FolderTakenError",
    "FoundRuns",
    "Objective",
    "CustomTask",
    "PaperFigures",
    "Plan",
    "Progress",
    "RayCluster",
    "Recipe",
    "RecipeFileError",
    "RunConfig",
    "RunFolderError",
    "RunResult",
    "RunWarning",
    "SweepProgress",
    "SweepResult",
    "Task",
    "TrainingDivergedError",
    "UnfinishedRunError",
    "add_task",
    "can_be_measured_together",
    "can_be_trained_together",
    "check_together",
    "clipped_to",
    "ExpectedTime",
    "ended_sweep",
    "expected_time",
    "find_objective",
    "find_task",
    "find_runs",
    "finished_runs",
    "geometric_epochs",
    "grid",
    "networks_at_once",
    "networks_sampled_at_once",
    "objectives_grid",
    "paper_figures",
    "plan_sweep",
    "read_recipe_file",
    "read_run",
    "read_runs",
    "remember_paces",
    "row_of",
    "run",
    "sampling_settings",
    "shortcomings",
    "spread_history",
    "sweep",
    "listed_runs",
]

__getattr__, __dir__ = lazily(__name__)
