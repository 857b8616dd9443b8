"""Where the runs of a sweep are computed: in this process, or in several others."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import IO

import keras

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.progress import Progress
from keras_selfmodel.experiments.sweeps.data_origin import DataOrigin
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.performing import Outcome, failed, perform
from keras_selfmodel.experiments.sweeps.worker_messages import Start, WorkerAnswer, line_of, message_of

OnProgress = Callable[[Job, str, int, int], None]
"""Called with a job, what it does ("epochs", "RLCT", "after descent"), how much of it is done, and of how much."""

Executor = Callable[[SimpleQueue], Generator[tuple[Job, Outcome], None, None]]
"""Takes jobs from a queue until it is empty, and yields the outcome of each."""


class HereExecutor:
    """Computes one run after another in this process.

    Args:
        dataset: The data of all runs.
        progress: Called with the progress of the jobs.
    """

    def __init__(self, dataset: Dataset, progress: OnProgress) -> None:
        self._dataset = dataset
        self._progress = progress

    def __call__(self, jobs: SimpleQueue) -> Generator[tuple[Job, Outcome], None, None]:
        """Takes jobs from the queue until it is empty, and yields the outcome of each."""
        while not jobs.empty():
            job = jobs.get()
            epochs, sampling, descended = (
                lambda done, total, *_, job=job, name=name: self._progress(job, name, done, total)
                for name in ("epochs", "RLCT", "after descent")
            )
            progress = Progress(epochs, sampling, descended)
            yield job, perform(job, self._dataset, progress)


@dataclass
class _Worker:
    """A process, its standard input and output, and the file that it writes its standard error to."""

    process: subprocess.Popen
    orders: IO[str]
    answers: IO[str]
    errors: IO[str]

    def say(self, message: Start | Job) -> None:
        self.orders.write(line_of(message))
        self.orders.flush()

    def end(self) -> None:
        _kill(self.process)
        with contextlib.suppress(BrokenPipeError):
            self.orders.close()
        self.answers.close()
        self.process.wait()
        self.errors.close()


class ProcessesExecutor:
    """Computes several runs at a time, each in a process with its share of the CPU's cores.

    If a process dies, its run has failed, and another process takes its place.

    Args:
        dataset: The data of all runs; the processes load them again, by name or by the recipe file of the
            custom task of that name, and limit them to as many examples.
        progress: Called with the progress of the jobs.
        data_dir: Folder of TFDS data that they load from.
        workers: Number of processes.
    """

    def __init__(
        self, dataset: Dataset, progress: OnProgress, *, data_dir: str | os.PathLike | None, workers: int
    ) -> None:
        self._progress = progress
        self._workers = workers
        self._stopped = threading.Event()
        self.processes: list[subprocess.Popen] = []
        self._origin = DataOrigin.of(dataset, data_dir)

    def __call__(self, jobs: SimpleQueue) -> Generator[tuple[Job, Outcome], None, None]:
        """Takes jobs from the queue until it is empty, and yields the outcome of each.

        Raises:
            RuntimeError: If no run can be computed, for the reason it names.
        """
        events: SimpleQueue = SimpleQueue()
        threads = [
            threading.Thread(target=self._serve, args=(number, jobs, events), daemon=True)
            for number in range(self._workers)
        ]
        try:
            for thread in threads:
                thread.start()
            at_work = len(threads)
            while at_work:
                kind, *values = events.get()
                if kind == "progress":
                    self._progress(*values)
                elif kind == "outcome":
                    yield tuple(values)
                elif kind == "fatal":
                    raise RuntimeError(values[0])
                else:
                    at_work -= 1
        finally:
            # A thread that waits for its process is woken by the process's end.
            self._stopped.set()
            for process in list(self.processes):
                _kill(process)
            for thread in threads:
                thread.join()

    def _serve(self, number: int, jobs: SimpleQueue, events: SimpleQueue) -> None:
        worker = None
        try:
            while not self._stopped.is_set():
                try:
                    job = jobs.get_nowait()
                except Empty:
                    break
                worker = worker or self._started(number)
                outcome = self._performed(worker, job, events)
                if outcome is None:
                    break
                events.put(("outcome", job, outcome))
                if worker.process.poll() is not None:
                    worker.end()
                    worker = None
        except Exception as error:  # or the sweep would wait for this thread for ever
            events.put(("fatal", f"{type(error).__name__}: {error}"))
        finally:
            if worker is not None:
                worker.end()
            events.put(("idle",))

    def _performed(self, worker: _Worker, job: Job, events: SimpleQueue) -> Outcome | None:
        try:
            worker.say(job)
            for line in worker.answers:
                if not line.endswith("\n"):
                    break  # it died while it wrote
                answer = message_of(WorkerAnswer, line, "a worker's answer")
                if answer.step is not None:
                    events.put(("progress", job, answer.step.part, answer.step.done, answer.step.total))
                elif answer.outcome is not None:
                    return answer.outcome
                else:
                    events.put(("fatal", answer.fatal))
                    return None
        except BrokenPipeError:
            pass
        return None if self._stopped.is_set() else failed(job, _death(worker))

    def _started(self, number: int) -> _Worker:
        cores = _share_of_cores(number, self._workers)
        errors = tempfile.TemporaryFile("w+")
        threads = len(cores) or max(1, (os.cpu_count() or 1) // self._workers)
        environment = {"OMP_NUM_THREADS": str(threads), **os.environ, "KERAS_BACKEND": keras.config.backend()}
        process = subprocess.Popen(
            # -P: a user's file such as random.py in the current folder is not for this process.
            [sys.executable, "-P", "-m", "keras_selfmodel.experiments.sweeps.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
            start_new_session=True,  # Ctrl-C is for the sweep, which ends its workers
        )
        self.processes.append(process)
        if self._stopped.is_set():  # since this thread last looked: the others' processes may have been ended already
            _kill(process)
        assert process.stdin is not None and process.stdout is not None  # both are pipes
        worker = _Worker(process, process.stdin, process.stdout, errors)
        with contextlib.suppress(BrokenPipeError):  # the first job will find out why
            worker.say(Start(self._origin, tuple(cores)))
        return worker


def _kill(process: subprocess.Popen) -> None:
    """Kills a process and what it has started itself, which would hold its output open after its end."""
    if process.returncode is not None:  # Its end was noticed: the number may be another's by now.
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _share_of_cores(number: int, workers: int) -> list[int]:
    if not hasattr(os, "sched_getaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))
    return cores[number % len(cores) :: workers] or cores


def _death(worker: _Worker) -> str:
    code = worker.process.wait()
    worker.errors.seek(0)
    said = [line for line in worker.errors.read().splitlines() if line.strip()]
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (the system does this when memory runs out)" if name == "SIGKILL" else ""
        return f"Its process was killed by {name}{hint}."
    return f"Its process ended with exit code {code}" + (f": {said[-1]}" if said else ".")
