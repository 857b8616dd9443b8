"""Many runs, computed by several processes and kept in one folder."""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.folder_errors import FolderBusyError
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.sweeps.ending import SweepResult, ended_sweep
from keras_selfmodel.experiments.sweeps.executors import Executor, HereExecutor, ProcessesExecutor
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.measuring_together import measure_together, measuring_together_pays
from keras_selfmodel.experiments.sweeps.paces import remember_paces
from keras_selfmodel.experiments.sweeps.planning import Plan
from keras_selfmodel.experiments.sweeps.ray_cluster import RayCluster
from keras_selfmodel.experiments.sweeps.ray_executor import RayExecutor
from keras_selfmodel.experiments.sweeps.results_table import ResultsTable, write_results
from keras_selfmodel.experiments.sweeps.training_together import check_together, train_together

SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class SweepProgress:
    """Progress callbacks of a sweep; each may be replaced.

    Attributes:
        step: Called with (job, "epochs" or "RLCT" or "after descent", how much of it is done, of how much).
        finished: Called with (job, its result).
        failed: Called with (job, the reason).
        waiting: Called with the number of runs that another process computes, when nothing else is left.
    """

    step: Callable[[Job, str, int, int], None] = lambda *_: None
    finished: Callable[[Job, RunResult], None] = lambda *_: None
    failed: Callable[[Job, str], None] = lambda *_: None
    waiting: Callable[[int], None] = lambda *_: None


def sweep(
    plan: Plan,
    dataset: Dataset,
    *,
    data_dir: str | os.PathLike | None = None,
    workers: int = 1,
    together: bool = False,
    cluster: RayCluster | None = None,
    progress: SweepProgress | None = None,
) -> SweepResult:
    """Computes the runs of a plan, and writes `results.csv` with one row for each finished run in its folder.

    May be interrupted at any time: the same sweep goes on where it stopped, and ends with the same table. Several
    sweeps may share a folder; each computes what no other is working on.

    Args:
        plan: What `plan_sweep` returned.
        dataset: The data.
        data_dir: Folder of TFDS data that worker processes load it from again.
        workers: Processes that compute at a time, each with its share of the cores; with 1, this process computes.
        together: Whether this process first trains the networks of one shape by one program
            (`training_together.train_together`), which is meant for GPUs, and there moves the chains of their RLCTs
            by one as well (`measuring_together.measure_together`). On a cluster each task does that with its group of
            runs.
        cluster: The Ray cluster that computes, in place of this machine; `workers` is then ignored. The folder,
            and the data or their cache, must be where all its machines see them.
        progress: Progress callbacks; `None` for none.

    Returns:
        A `SweepResult`. Networks trained together differ from those trained alone only by the order of additions.

    Raises:
        ValueError: If `workers` is not positive, the networks cannot be trained together, or no machine of the cluster
            has room for a task.
        OSError, ImportError, RuntimeError: What would end every other run too, such as a full disk. What was computed
            stays.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1. Received: workers={workers}")
    if together:
        check_together(plan.jobs)
    progress = progress or SweepProgress()
    plan.folder.mkdir(parents=True, exist_ok=True)
    if cluster is not None:
        with RayExecutor(dataset, progress.step, cluster, data_dir=data_dir, together=together) as on_cluster:
            return _computed(plan, dict(plan.failures), on_cluster, progress, dataset)
    failures = dict(plan.failures)
    if together:

        def on_epoch(job: Job, done: int, total: int) -> None:
            progress.step(job, "epochs", done, total)

        for job, reason in train_together(plan.jobs, dataset, on_epoch=on_epoch).items():
            failures[job] = reason
            progress.failed(job, reason)
        if measuring_together_pays():
            measure_together([job for job in plan.jobs if job not in failures], dataset, progress=progress.step)
    execute: Executor
    if workers == 1:
        execute = HereExecutor(dataset, progress.step)
    else:
        execute = ProcessesExecutor(dataset, progress.step, data_dir=data_dir, workers=min(workers, len(plan.jobs)))
    result = _computed(plan, failures, execute, progress, dataset)
    new = {job.folder for job in plan.jobs}
    remember_paces([one for one in result.results if one.folder in new], dataset)
    return result


def _computed(
    plan: Plan, failures: dict[Job, str], execute: Executor, progress: SweepProgress, dataset: Dataset
) -> SweepResult:
    """Lets the executor compute the plan's runs, but for those that have failed already."""
    results, table = list(plan.kept), ResultsTable(plan.folder)
    ready, busy = [job for job in plan.jobs if job not in failures], list[Job]()
    try:
        while ready or busy:
            queue: SimpleQueue[Job] = SimpleQueue()
            for job in ready:
                queue.put(job)
            with contextlib.closing(execute(queue)) as outcomes:
                for job, outcome in outcomes:
                    if outcome.state == "busy":
                        busy.append(job)
                    elif outcome.state == "failed":
                        failures[job] = outcome.reason
                        progress.failed(job, outcome.reason)
                    elif outcome.result is None:
                        raise RuntimeError(f"{job.folder}: the run is finished, but its measures were not returned.")
                    else:
                        results.append(outcome.result)
                        table.update()
                        progress.finished(job, outcome.result)
            ready = [job for job in busy if not _is_busy(job)]
            busy = [job for job in busy if job not in ready]
            if busy and not ready:
                progress.waiting(len(busy))
                time.sleep(SECONDS_BETWEEN_LOOKS)
    except KeyboardInterrupt:
        write_results(plan.folder)
        raise
    return ended_sweep(plan, results, failures, dataset)


def _is_busy(job: Job) -> bool:
    try:
        with RunFolder(job.folder).locked():
            return False
    except FolderBusyError:
        return True
