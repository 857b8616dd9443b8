import keras
import numpy as np
import pytest

import keras_selfmodel as ksm


@pytest.fixture
def data():
    """48 samples of 6 numbers in 3 classes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(48, 6)).astype("float32"), rng.integers(0, 3, 48)


@pytest.fixture
def cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture
def classifier():
    return ksm.models.mlp(8, inputs=6, classes=3, seed=7)
