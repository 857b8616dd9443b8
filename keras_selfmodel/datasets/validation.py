"""Validation data: part of the training examples, so that choosing among networks never looks at the test data."""

import hashlib
from dataclasses import replace

import numpy as np

from keras_selfmodel.datasets.dataset import Dataset


def with_validation(dataset: Dataset, part: float = 0.1, *, seed: int) -> Dataset:
    """Splits validation examples off the training examples, and replaces the test examples by them.

    Args:
        dataset: Any data set.
        part: Fraction of the training examples to split off, 0 < part < 1; at least one is split off, and one stays.
        seed: Says which.

    Returns:
        A data set marked as a subset, with a new digest. The examples keep their order.

    Raises:
        ValueError: If `part` is out of its range, or there are fewer than two training examples.

    Example:

    >>> x, y = np.zeros((50, 2)), np.zeros(50)
    >>> whole = Dataset("mnist", x, y, x, y, num_classes=1, source="zeros", digest="ab", is_subset=False)
    >>> with_validation(whole, 0.2, seed=1)
    Dataset(mnist: 40 train + 10 test examples, 1 classes; zeros; tested on 10 training examples, split off by seed 1)
    """
    if not 0 < part < 1:
        raise ValueError(f"part must be above 0 and below 1. Received: part={part}")
    examples = len(dataset.y_train)
    if examples < 2:
        raise ValueError(f"At least two training examples are needed to split one off. Received: {examples}")
    count = min(max(round(part * examples), 1), examples - 1)
    chosen = np.zeros(examples, dtype=bool)
    # The order of the examples in training is drawn from the seed alone.
    chosen[np.random.default_rng([seed, 4]).permutation(examples)[:count]] = True
    return replace(
        dataset,
        x_train=dataset.x_train[~chosen],
        y_train=dataset.y_train[~chosen],
        x_test=dataset.x_train[chosen],
        y_test=dataset.y_train[chosen],
        source=f"{dataset.source}; tested on {count:,} training examples, split off by seed {seed}",
        digest=hashlib.sha256(f"{dataset.digest} validation {count} {seed}".encode()).hexdigest(),
        is_subset=True,
    )
