"""A process that computes runs for a sweep: `python -m keras_selfmodel.experiments.sweeps.worker`.

It reads one JSON object a line from standard input, first about itself and the data, then one for each job; and writes
one a line to standard output: `{"event": "epochs" | "RLCT" | "after descent", "done": 3, "total": 50}` on the way, and
an `Outcome` at the end of a job, or `{"fatal": ...}` if no job can be computed.
"""

import json
import os
import sys
import threading
from functools import partial
from queue import SimpleQueue


def main() -> None:
    """Serves until standard input ends: a sweep that is killed takes its workers with it, in the middle of a run."""
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    # What libraries print must not mix with what is said to the sweep.
    channel, sys.stdout = os.fdopen(os.dup(1), "w", buffering=1), sys.stderr
    os.dup2(2, 1)
    start = json.loads(lines.get())
    if start["cores"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, start["cores"])

    from keras_selfmodel._typed_files import plain, typed
    from keras_selfmodel.experiments.progress import Progress
    from keras_selfmodel.experiments.sweeps.data_origin import DataOrigin
    from keras_selfmodel.experiments.sweeps.jobs import Job, perform

    def tell(values: dict) -> None:
        channel.write(json.dumps(values) + "\n")

    def event(name: str, done: int, total: int, *_) -> None:
        tell({"event": name, "done": done, "total": total})

    progress = Progress(partial(event, "epochs"), partial(event, "RLCT"), partial(event, "after descent"))
    try:
        dataset = typed(DataOrigin, start["data"], "standard input").load()
        while True:
            job = typed(Job, json.loads(lines.get()), "standard input")
            tell(plain(perform(job, dataset, progress)))
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        tell({"fatal": str(error)})
        sys.exit(1)


def _listen(lines: SimpleQueue) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
