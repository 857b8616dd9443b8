"""A process that computes runs for a sweep: `python -m keras_selfmodel.experiments.sweeps.worker`.

It reads a `Start` from the first line of standard input and a `Job` from each other one, and writes each `WorkerAnswer`
as a line to standard output (`worker_messages`).
"""

import os
import sys
import threading
from functools import partial
from queue import SimpleQueue
from typing import Any

# What errors about messages name.
SOURCE = "standard input"


def main() -> None:
    """Serves until standard input ends: a sweep that is killed takes its workers with it, in the middle of a run."""
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    # What libraries print must not mix with what is said to the sweep.
    channel, sys.stdout = os.fdopen(os.dup(1), "w", buffering=1), sys.stderr
    os.dup2(2, 1)

    from keras_selfmodel.experiments.progress import Progress
    from keras_selfmodel.experiments.sweeps.jobs import Job
    from keras_selfmodel.experiments.sweeps.performing import perform
    from keras_selfmodel.experiments.sweeps.worker_messages import (
        Start,
        WorkerAnswer,
        WorkerPart,
        WorkerStep,
        line_of,
        message_of,
    )

    def report(**answer: Any) -> None:
        channel.write(line_of(WorkerAnswer(**answer)))

    def step(part: WorkerPart, done: int, total: int, *_: object) -> None:
        report(step=WorkerStep(part, done, total))

    progress = Progress(partial(step, "epochs"), partial(step, "RLCT"), partial(step, "after descent"))
    try:
        start = message_of(Start, lines.get(), SOURCE)
        if start.cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, start.cores)
        dataset = start.data.load()
        while True:
            report(outcome=perform(message_of(Job, lines.get(), SOURCE), dataset, progress))
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        report(fatal=str(error))
        sys.exit(1)


def _listen(lines: SimpleQueue) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
