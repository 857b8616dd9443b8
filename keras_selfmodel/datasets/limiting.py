"""The first examples of a data set, for trials."""

import hashlib
from dataclasses import replace

from keras_selfmodel.datasets.dataset import Dataset


def limited(dataset: Dataset, examples: int) -> Dataset:
    """The first training examples, and at most as many test examples.

    Args:
        dataset: Any data set.
        examples: How many.

    Returns:
        A data set marked as a subset, with a new digest; the same data set if it has no more.

    Raises:
        ValueError: If `examples` is not positive.

    Example:

    >>> import numpy as np
    >>> x, y = np.zeros((9, 2)), np.zeros(9)
    >>> whole = Dataset("mnist", x, y, x, y, num_classes=1, source="zeros", digest="ab", is_subset=False)
    >>> limited(whole, 4)
    Dataset(mnist: 4 train + 4 test examples, 1 classes; the first 4 examples of zeros)
    """
    if examples < 1:
        raise ValueError(f"examples must be at least 1. Received: examples={examples}")
    if examples >= len(dataset.y_train):
        return dataset
    return replace(
        dataset,
        x_train=dataset.x_train[:examples],
        y_train=dataset.y_train[:examples],
        x_test=dataset.x_test[:examples],
        y_test=dataset.y_test[:examples],
        source=f"the first {examples:,} examples of {dataset.source}",
        digest=hashlib.sha256(f"{dataset.digest} {examples}".encode()).hexdigest(),
        is_subset=True,
    )
