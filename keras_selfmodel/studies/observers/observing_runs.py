"""Many networks observed, each once."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_selfmodel._typed_files import DamagedFileError
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import RunFolderError, RunResult, RunWarning
from keras_selfmodel.experiments.run_store import left_out
from keras_selfmodel.probes.observers.protocol import QUESTIONS, ObserverProtocol, Question
from keras_selfmodel.studies.observers.observed_run import Observation, ObservedRun
from keras_selfmodel.studies.observers.observing import Observing
from keras_selfmodel.studies.observers.store import ObservationStore
from keras_selfmodel.studies.stored_run import StoredRun


def observe_runs(
    results: Sequence[RunResult],
    dataset: Dataset,
    folder: str | Path,
    *,
    protocol: ObserverProtocol | None = None,
    questions: Sequence[Question] = QUESTIONS,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[ObservedRun]:
    """Trains new observers of fixed capacity and budget to predict networks, in the same way for each network.

    Args:
        results: Finished runs of one task on the same data.
        dataset: These data.
        folder: What was found out about each network is stored here, and not computed again: an interrupted call goes
            on where it stopped.
        protocol: Capacities and budget; `None` for the defaults.
        questions: What is predicted from what.
        progress: Called with (observers done, observers in all).

    Returns:
        One for each run, in their order, with the answers to the questions asked. Runs whose network is missing or
        damaged are left out, each with a `RunWarning`.

    Raises:
        RunFolderError: If no network can be read, or the folder holds observations by another protocol.
        ValueError: If a network was trained on other data, a question cannot be put, or the data have fewer samples
            than the protocol asks for.

    Example:

    >>> from keras_selfmodel import datasets, experiments
    >>> results = experiments.finished_runs("sweeps/mnist")  # doctest: +SKIP
    >>> observed = observe_runs(results, datasets.load("mnist"), "sweeps/mnist/observer")  # doctest: +SKIP
    """
    protocol = (protocol or ObserverProtocol()).of_data(len(dataset.y_train), len(dataset.y_test))
    store = ObservationStore(Path(folder), protocol)
    observing: Observing | None = None
    each, found = len(questions) * len(protocol.capacities), []
    for number, result in enumerate(results):
        run = StoredRun(result)
        with left_out():
            stored = _stored(store, run)
            answered = {one.question for one in stored}
            missing = [question for question in questions if question not in answered]
            if missing:
                observing = observing or Observing(run.task, dataset, protocol)
                before = number * each + (len(questions) - len(missing)) * len(protocol.capacities)
                new = observing.observe(run, missing, progress=_going_on(progress, before, len(results) * each))
                stored = (*stored, *new)
                store.write(run, stored)
            asked = [one for question in questions for one in stored if one.question == question]
            found.append(ObservedRun(result, tuple(asked)))
        progress((number + 1) * each, len(results) * each)
    if not found:
        raise RunFolderError("No network of these runs can be read.")
    return found


def _stored(store: ObservationStore, run: StoredRun) -> tuple[Observation, ...]:
    """What is stored on a network; nothing where the file is damaged, which costs no more than its time."""
    try:
        return store.read(run)
    except DamagedFileError as error:
        warnings.warn(f"{error} The network is observed again.", RunWarning, stacklevel=3)
        return ()


def _going_on(progress: Callable[[int, int], None], before: int, total: int) -> Callable[[int, int], None]:
    """What reports the progress of one network as that of all."""
    return lambda done, _: progress(before + done, total)
