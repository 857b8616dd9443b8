"""The end of a sweep: its table, and what it returns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.folder_errors import RunFolderError
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import place_of
from keras_selfmodel.experiments.stages.claiming import finished_run
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.planning import Plan
from keras_selfmodel.experiments.sweeps.results_table import write_results


@dataclass(frozen=True)
class SweepResult:
    """The outcome of a sweep.

    Attributes:
        results: Results of the runs asked for, in the order of `run_store.place_of`.
        failures: Reasons of those that failed, by name of the run.
    """

    results: tuple[RunResult, ...]
    failures: dict[str, str]


def ended_sweep(plan: Plan, results: Iterable[RunResult], failures: Mapping[Job, str], dataset: Dataset) -> SweepResult:
    """Writes `results.csv` of all finished runs in the folder of a sweep of which nothing is left to compute.

    Without Keras: a plan that has no jobs ends like this, with what it kept and its failures.

    Args:
        plan: The plan.
        results: Results of its finished runs.
        failures: Why the others failed.
        dataset: Their data.
    """
    write_results(plan.folder)
    # Of sweeps that share the folder, another may have tried again what had failed.
    mended = {job: result for job in failures if (result := _finished_meanwhile(job, dataset)) is not None}
    return SweepResult(
        tuple(sorted([*results, *mended.values()], key=place_of)),
        {job.folder.name: why for job, why in failures.items() if job not in mended},
    )


def _finished_meanwhile(job: Job, dataset: Dataset) -> RunResult | None:
    try:
        return finished_run(job.recipe, dataset, job.folder)
    except RunFolderError:  # The folder is another run's.
        return None
