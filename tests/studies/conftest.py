"""Data that stored networks are looked at with."""

import numpy as np
import pytest

from keras_selfmodel.datasets import Dataset


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """60 images of 3 × 3 pixels of noise; the test samples are the training samples."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 3, 3, 1), dtype=np.uint8), np.arange(60, dtype=np.int32) % 2
    return Dataset("mnist", x, y, x, y, num_classes=2, source="made up", digest="ab" * 32, is_subset=False)
