"""Fetching a data set with TFDS, once, in a format that can be read with any backend."""

import contextlib
import io
import os
import threading
from pathlib import Path

from keras_selfmodel._internals.tfds import without_leftovers, without_progress_bars, without_tensorflow
from keras_selfmodel.datasets.catalog import DatasetStatus, Entry, count_examples, data_root, lookup, status
from keras_selfmodel.datasets.errors import DataNotFoundError, require_packages
from keras_selfmodel.datasets.reading import quiet

CONNECTION_TIMEOUT = 4.0
"""Seconds until a silent network counts as none: TFDS itself still retries after 200."""


def prepare(name: str, data_dir: str | os.PathLike | None = None) -> DatasetStatus:
    """Downloads a data set and prepares it for TFDS; does nothing if it is prepared already.

    Args:
        name: "mnist", "cifar10" or "imdb".
        data_dir: The TFDS data folder; created if absent. Defaults to TFDS_DATA_DIR, else
            `~/tensorflow_datasets`.

    Returns:
        What `find` says about the prepared data set.

    Raises:
        DataNotFoundError: If the data set's host cannot be reached (noticed within seconds), or the download
            or the writing fails. Nothing half-prepared is left.
        DataCorruptedError: If the folder is there already and a file in it is missing or damaged.
        MissingPackageError: If TFDS is not installed.
        ValueError: If there is no data set of that name.

    Example:
        >>> from keras_selfmodel import datasets
        >>> datasets.prepare("mnist").train_examples  # doctest: +SKIP
        60000
    """
    entry, root = lookup(name), data_root(data_dir)
    if entry.folder(root).exists():
        count_examples(entry.folder(root))  # raises if damaged: TFDS would call a half-copied folder prepared
        return status(entry, root)
    check_connection(entry, root)
    # importlib_resources: TFDS needs it here without declaring it.
    require_packages("tensorflow_datasets", "importlib_resources", "array_record.python.array_record_module", "PIL")
    try:
        with quiet(), contextlib.redirect_stdout(io.StringIO()):
            _download_and_prepare(entry, root)
    except Exception as error:
        if not status(entry, root).prepared:  # else another process was faster
            raise DataNotFoundError(
                f"{entry.tfds_name} {entry.version} could not be prepared in {root} ({type(error).__name__}: "
                f"{error}). Nothing half-prepared is left behind. Fix the cause and try again."
            ) from error
    return status(entry, root)


def check_connection(entry: Entry, root: Path) -> None:
    """Asks the host of a data set for its file's headers, through the same proxies as the download will use.

    Args:
        entry: The data set whose host is asked.
        root: The data folder, for the error's text.

    Raises:
        DataNotFoundError: If no good answer comes within CONNECTION_TIMEOUT seconds.
    """
    require_packages("requests")
    import requests

    problem = [f"no answer within {CONNECTION_TIMEOUT:g} s"]

    def ask() -> None:
        try:
            with requests.get(entry.url, timeout=CONNECTION_TIMEOUT, stream=True) as answer:  # headers only
                problem[0] = "" if answer.ok else f"it answered {answer.status_code} {answer.reason}"
        except (OSError, ValueError) as error:  # of these derive all errors of requests
            problem[0] = type(error).__name__

    # In a thread, because looking up a name (or each of several addresses) does not heed the timeout.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(CONNECTION_TIMEOUT)
    if problem[0]:
        raise DataNotFoundError(
            f"{entry.tfds_name} {entry.version} is not prepared in {root}, and {entry.url} cannot be fetched "
            f"({problem[0]}). {entry.how_to_get(root)}"
        )


def _download_and_prepare(entry: Entry, root: Path) -> None:
    import tensorflow_datasets as tfds

    with without_leftovers(), without_progress_bars(), without_tensorflow():
        builder = tfds.builder(f"{entry.tfds_name}:{entry.version}", data_dir=root)
        # Not tfrecord, which needs TensorFlow; not parquet, in which TFDS 4.9.10 loses most examples.
        builder.download_and_prepare(file_format="array_record")
