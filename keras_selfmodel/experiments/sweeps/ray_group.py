"""What a task of a Ray cluster does: it computes a group of runs and reports their progress."""

import functools
import socket
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

from keras_selfmodel._typed_files import plain
from keras_selfmodel.experiments.progress import Progress
from keras_selfmodel.experiments.sweeps.data_origin import DataOrigin
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.measuring_together import measure_together, measuring_together_pays
from keras_selfmodel.experiments.sweeps.performing import Outcome, perform
from keras_selfmodel.experiments.sweeps.training_together import train_together

# Each word travels over the network to the one process that hears all tasks.
SECONDS_BETWEEN_WORDS = 1.0

# Ray uses a process again for the tasks that follow, unless it has a GPU.
_loaded = functools.lru_cache(maxsize=1)(DataOrigin.load)


def perform_group(origin: DataOrigin, jobs: list[Job], together: bool) -> Iterator[dict]:
    """Computes runs one after another, or what is missing of them.

    Args:
        origin: Where their data come from.
        jobs: The runs; their folders lie where all machines see them.
        together: Whether one program first trains all networks, and one moves the chains of their RLCTs where that
            pays, as `train_together` and `measure_together` do.

    Yields:
        For a job by its number `{"job": 0, "event": "epochs", "done": 3, "total": 50}` now and then, in the end
        `{"job": 0, "outcome": ...}`; or `{"fatal": ...}` if no job can be computed.
    """
    # Progress arrives by calls out of the run, and is passed on by yielding: two threads.
    words: SimpleQueue[dict | None] = SimpleQueue()
    threading.Thread(target=_compute, args=(origin, jobs, together, words), daemon=True).start()
    while (word := words.get()) is not None:
        yield word


def _compute(origin: DataOrigin, jobs: list[Job], together: bool, words: SimpleQueue) -> None:
    try:
        dataset = _loaded(origin)
        reporters = [_Reporter(number, words) for number in range(len(jobs))]

        def on_step(job: Job, event: str, done: int, total: int) -> None:
            reporters[jobs.index(job)].report(event, done, total)

        def on_epoch(job: Job, done: int, total: int) -> None:
            on_step(job, "epochs", done, total)

        reasons = {}
        if together:
            reasons = train_together(jobs, dataset, on_epoch=on_epoch)
            standing = [job for job in jobs if job not in reasons]
            if measuring_together_pays():
                measure_together(standing, dataset, progress=on_step)
        for number, job in enumerate(jobs):
            if job in reasons:
                outcome = Outcome("failed", reasons[job])
            else:
                outcome = perform(job, dataset, reporters[number].progress())
            words.put({"job": number, "outcome": plain(outcome)})
    except Exception as error:  # or the sweep would wait for this task for ever
        words.put({"fatal": f"{socket.gethostname()}: {type(error).__name__}: {error}"})
    finally:
        words.put(None)


class _Reporter:
    """Reports the progress of one run, at a limited rate."""

    def __init__(self, number: int, words: SimpleQueue) -> None:
        self._number = number
        self._words = words
        self._last = ("", float("-inf"))

    def report(self, event: str, done: int, total: int, *_: Any) -> None:
        now, (last, then) = time.monotonic(), self._last
        if event != last or now - then >= SECONDS_BETWEEN_WORDS or done == total:
            self._last = (event, now)
            self._words.put({"job": self._number, "event": event, "done": done, "total": total})

    def progress(self) -> Progress:
        return Progress(*(functools.partial(self.report, event) for event in ("epochs", "RLCT", "after descent")))
