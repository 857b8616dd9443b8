"""Which samples stored networks were trained on."""

from collections.abc import Sequence
from pathlib import Path

from keras_selfmodel.datasets import Dataset, limited
from keras_selfmodel.experiments import DamagedRunError, RunResult
from keras_selfmodel.experiments.run_store import read_config


def examples_of_runs(results: Sequence[RunResult]) -> int | None:
    """How many training samples runs had, which are all there are or the first ones.

    Args:
        results: Finished runs.

    Returns:
        The number; `None` if no run says so.

    Raises:
        ValueError: If the runs differ.
    """
    known = (result.config.data.examples for result in results if result.config)
    sizes = sorted({size for size in known if size is not None})
    if len(sizes) > 1:
        raise ValueError(
            "All runs must have the same number of training samples. Pass only runs with the same number. Received: "
            f"runs with {', '.join(f'{size:,}' for size in sizes)}."
        )
    return sizes[0] if sizes else None


def samples_of_network(file: Path, dataset: Dataset) -> Dataset:
    """The samples that the network in a file was trained on, if it lies in the folder of a run that says so.

    Args:
        file: Any file.
        dataset: The data, as loaded.

    Returns:
        The first samples of the data; `dataset` itself where they are all of them, or where it is unknown.
    """
    try:
        data = read_config(file.parent).data
    except (FileNotFoundError, DamagedRunError):  # Other programs have files of this name.
        return dataset
    of_run = limited(dataset, data.examples or len(dataset.y_train))
    return of_run if of_run.digest == data.digest else dataset
