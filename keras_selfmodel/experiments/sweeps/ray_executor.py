"""The runs of a sweep computed by a cluster of machines, through Ray."""

import contextlib
import logging
import os
import signal
import socket
import threading
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import keras

from keras_selfmodel._installation import needed
from keras_selfmodel._internals.ray import listening_here_only
from keras_selfmodel._typed_files import typed
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.sweeps.data_origin import DataOrigin
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.performing import Outcome, failed
from keras_selfmodel.experiments.sweeps.ray_cluster import RayCluster
from keras_selfmodel.experiments.sweeps.ray_group import perform_group

# Tasks handed to Ray for each that there is room for: enough that no machine waits and that a cluster which grows on
# demand does; not all, because each must be checked whenever one of them reports something.
TASKS_AHEAD = 2
# Paths that all machines share, for those of whose environment says nothing.
SHARED_SETTINGS = ("TFDS_DATA_DIR", "KSM_CACHE_DIR")


class RayExecutor:
    """Computes groups of runs as tasks of a Ray cluster. A context manager, connected to the cluster while it is open.

    A run whose process or machine died is tried again elsewhere, from its checkpoint. The remaining runs of its group
    then continue one by one, so that a run which kills every process it is given to does not take others with it.
    Nothing is computed twice at once: a machine that was only believed dead keeps the locks of its runs' folders, and
    the outcome of such a run is "busy".

    Args:
        dataset: The data of all runs; the tasks load them again, by name or by the recipe file of the user's task that
            has their name.
        progress: Called with the progress of the jobs, as `executors.OnProgress`.
        cluster: The cluster, and what a task takes of it.
        data_dir: Folder of TFDS data that they load from.
        together: Whether one program trains the networks of a group.

    Raises:
        ImportError: If Ray is not installed.
    """

    def __init__(
        self,
        dataset: Dataset,
        progress: Callable[[Job, str, int, int], None],
        cluster: RayCluster,
        *,
        data_dir: str | os.PathLike | None,
        together: bool,
    ) -> None:
        self._ray: Any = needed("ray", "A sweep on Ray", "distributed")
        self._progress = progress
        self._cluster = cluster
        self._together = together
        self._origin = DataOrigin.of(dataset, data_dir)
        self._connection = contextlib.ExitStack()

    def __enter__(self) -> "RayExecutor":
        """Connects.

        Raises:
            RuntimeError: If there is no cluster at the address.
            ValueError: If no machine of a cluster that cannot grow has room for a task, or the address is no host and
                port.
        """
        address = self._cluster.address or os.environ.get("RAY_ADDRESS") or "local"
        if not self._ray.is_initialized():  # else the caller's, and theirs to end
            _check_address(address)
            # What Ray would report to its makers of a cluster that the sweep starts.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            local: dict = {"include_dashboard": False} if address == "local" else {}
            try:
                with (
                    warnings.catch_warnings(),
                    _handler_kept(),
                    listening_here_only() if local else contextlib.nullcontext(),
                ):
                    # Ray's processes, which are other programs as soon as they are there.
                    warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
                    self._ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **local)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise RuntimeError(f"There is no Ray cluster at {address}: {error}") from error
            self._connection.callback(self._ray.shutdown)
        if not self._places():
            takes = ", ".join(f"{amount:g} {name}" for name, amount in self._cluster.resources.items())
            sentence = f"No machine of the cluster has room for a task, which takes {takes}."
            if address == "local":
                self.__exit__()
                raise ValueError(sentence)
            warnings.warn(f"{sentence} Waiting for one.", stacklevel=2)
        return self

    def __exit__(self, *_: Any) -> None:
        self._connection.close()

    def __call__(self, jobs: SimpleQueue) -> Generator[tuple[Job, Outcome], None, None]:
        """Takes all jobs from the queue, and yields what came of each. Closing the iterator ends what is at work.

        Raises:
            RuntimeError: If no run can be computed, for the reason it names.
        """
        waiting = _groups([jobs.get() for _ in range(jobs.qsize())], self._cluster.runs_per_task, self._places())
        tasks: dict = {}  # the jobs of each task that nothing came of yet, in their order and by their numbers
        deaths: Counter[Job] = Counter()
        try:
            while waiting or tasks:
                while waiting and len(tasks) < TASKS_AHEAD * max(1, self._places()):
                    group = waiting.pop(0)
                    tasks[self._submitted(group)] = dict(enumerate(group))
                for task in self._speaking(tasks):
                    try:
                        word = self._ray.get(next(task))
                    except StopIteration:
                        del tasks[task]
                    except self._ray.exceptions.RayTaskError as error:
                        raise RuntimeError(f"A task of the sweep could not start: {error.cause}") from error
                    except self._ray.exceptions.RayError as error:
                        left = list(tasks.pop(task).values())
                        # The one that it was at. The outcomes of those before it may have been lost.
                        deaths.update([job for job in left if not RunFolder(job.folder).finished][:1])
                        for job in left:
                            if deaths[job] > self._cluster.retries:
                                yield job, failed(job, _epitaph(deaths[job], error))
                            else:
                                waiting.append([job])
                    else:
                        yield from self._heard(word, tasks[task])
        finally:
            for task in tasks:
                self._ray.cancel(task, force=True)

    def _places(self) -> int:
        return self._cluster.places([node["Resources"] for node in self._ray.nodes() if node["Alive"]])

    def _submitted(self, group: Sequence[Job]) -> Any:
        cluster = self._cluster
        threads = str(cluster.cpus_per_task)  # by the names that JAX, TensorFlow and PyTorch read
        environment = {
            **{name: os.environ[name] for name in SHARED_SETTINGS if name in os.environ},
            "KERAS_BACKEND": keras.config.backend(),
            **dict.fromkeys(("PJRT_NPROC", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), threads),
        }
        task = self._ray.remote(perform_group).options(
            num_cpus=cluster.cpus_per_task,
            num_gpus=cluster.gpus_per_task,
            memory=cluster.memory_per_task,
            max_retries=0,  # Ray would try the whole group again, and not know which of its runs is at fault.
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": environment},
        )
        whole = [replace(job, folder=job.folder.resolve()) for job in group]
        return task.remote(self._origin, whole, self._together)

    def _speaking(self, tasks: dict) -> list:
        """The tasks that have something to say, as soon as one has."""
        self._ray.wait(list(tasks), num_returns=1)
        ready, _ = self._ray.wait(list(tasks), num_returns=len(tasks), timeout=0)
        return ready

    def _heard(self, word: dict, left: dict[int, Job]) -> Iterator[tuple[Job, Outcome]]:
        if "fatal" in word:
            raise RuntimeError(word["fatal"])
        if "event" in word:
            self._progress(left[word["job"]], word["event"], word["done"], word["total"])
        else:
            job = left.pop(word["job"])
            yield job, typed(Outcome, word["outcome"], "a task's answer")


def _check_address(address: str) -> None:
    """Makes sure that something answers: Ray itself would try for minutes, and then end the process."""
    if address in ("local", "auto"):
        return
    host, _, port = address.rpartition(":")
    # ray:// is the address of a proxy that knows no streams of results.
    if not host or not port.isdigit() or "/" in host:
        raise ValueError(f"address must be HOST:PORT of Ray's head, such as 10.0.0.1:6379. Received: {address!r}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        raise RuntimeError(f"There is no Ray cluster at {address}: {error}") from error


def _groups(jobs: Sequence[Job], most: int, places: int) -> list[list[Job]]:
    """The jobs in groups of one size of network each, in the order of their first jobs.

    Example:

    >>> from pathlib import Path
    >>> from keras_selfmodel.experiments import TASKS, grid
    >>> recipes = grid(TASKS["mnist"].recipe, hidden=[8, 9], aux_weights=[1], seeds=[1, 2, 3])
    >>> groups = _groups([Job(recipe, Path()) for recipe in recipes], most=2, places=3)
    >>> [[(job.recipe.hidden, job.recipe.seed) for job in group] for group in groups]
    [[(8, 1), (8, 2)], [(9, 1), (9, 2)], [(8, 3)], [(9, 3)]]
    """
    size = max(1, min(most, len(jobs) // max(1, places)))
    sizes = defaultdict(list)
    for number, job in enumerate(jobs):
        sizes[job.recipe.hidden, job.recipe.aux_weight > 0].append((number, job))
    groups = [same[start : start + size] for same in sizes.values() for start in range(0, len(same), size)]
    return [[job for _, job in group] for group in sorted(groups, key=lambda group: group[0][0])]


def _epitaph(deaths: int, error: Exception) -> str:
    times = "once" if deaths == 1 else f"{deaths} times"
    return f"Its process or machine died {times}: {str(error).splitlines()[0]}"


@contextlib.contextmanager
def _handler_kept() -> Iterator[None]:
    """Puts back the handler of SIGTERM, in whose place `ray.init` puts one that ends the process without a word."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():  # Only there can handlers be set, by Ray too.
            signal.signal(signal.SIGTERM, before)
