"""Many networks compressed, each once."""

import warnings
from collections.abc import Callable, Sequence

from keras_selfmodel._typed_files import DamagedFileError
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import RunFolderError, RunResult, RunWarning
from keras_selfmodel.experiments.run_store import left_out
from keras_selfmodel.studies.compression.compressed_run import COMPRESSION, CompressedRun, Compression
from keras_selfmodel.studies.compression.compressing import Compressing
from keras_selfmodel.studies.compression.protocol import CompressionProtocol
from keras_selfmodel.studies.compression.store import FILE, stored_compression
from keras_selfmodel.studies.stored_run import StoredRun

# Steps of one network that progress counts.
PARTS_OF_A_NETWORK = 4


def compress_runs(
    results: Sequence[RunResult],
    dataset: Dataset,
    *,
    protocol: CompressionProtocol | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[CompressedRun]:
    """Compresses the networks of runs; what was found is `compression.json` in each run's folder.

    A network that was compressed by the same protocol and backend before is not compressed again, so that an
    interrupted call goes on where it stopped; otherwise the file is replaced.

    Args:
        results: Finished runs of one task on the same data.
        dataset: These data.
        protocol: Samples and draws; `None` for the defaults.
        progress: Called with (parts done, parts in all).

    Returns:
        One for each run, in their order. Runs whose network is missing or damaged are left out, each with a
        `RunWarning`; a network whose `compression.json` is damaged is compressed again, with one. Where the file
        cannot be written, a `RunWarning` says so, and the other networks are compressed nevertheless.

    Raises:
        RunFolderError: If no network can be read.
        ValueError: If a network was trained on other data.

    Example:

    >>> from keras_selfmodel import datasets, experiments
    >>> results = experiments.finished_runs("sweeps/mnist")  # doctest: +SKIP
    >>> found = compress_runs(results, datasets.load("mnist"))  # doctest: +SKIP
    >>> found[0].compression.curves["pruning"].at_rise(0.1)  # doctest: +SKIP
    0.21
    """
    compressing: Compressing | None = None
    found, done = [], 0

    def part() -> None:
        nonlocal done
        done += 1
        progress(done, PARTS_OF_A_NETWORK * len(results))

    for number, result in enumerate(results):
        run = StoredRun(result)
        compressing = compressing or Compressing(run.task, dataset, protocol or CompressionProtocol())
        with left_out():
            stored, not_kept = _stored(result), None
            if stored is None or stored.made_by != compressing.made_by:
                stored = compressing.compress(run, progress=part)
                not_kept = _not_kept(run, stored)
            found.append(CompressedRun(result, stored, not_kept))
        done = PARTS_OF_A_NETWORK * (number + 1)
        progress(done, PARTS_OF_A_NETWORK * len(results))
    if not found:
        raise RunFolderError("No network of these runs can be read.")
    return found


def _stored(result: RunResult) -> Compression | None:
    try:
        return stored_compression(result)
    except DamagedFileError as error:
        warnings.warn(f"{error} The network is compressed again.", RunWarning, stacklevel=3)
        return None


def _not_kept(run: StoredRun, found: Compression) -> OSError | None:
    """Writes what was found; returns why that was not possible."""
    try:
        run.files.write(FILE, COMPRESSION, found)
    except OSError as error:
        words = "What was found of this network is only returned, and computed again the next time."
        warnings.warn(f"{error.filename}: {error.strerror}. {words}", RunWarning, stacklevel=3)
        return error
    return None
