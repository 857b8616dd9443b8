"""CIFAR-10 with a small convolutional network."""

import keras
import numpy as np

from keras_selfmodel import datasets
from tasks.case import Case, Samples, started

TRAINING, TEST = 5_000, 2_000


def photographs() -> Case:
    """The first 5,000 images; the dense layer behind two convolutions is predicted."""
    return Case("CIFAR-10, convolutions", _samples, _network, epochs=10)


def _samples() -> Samples:
    data = datasets.load("cifar10")
    x, x_test = (np.asarray(x[:count], "float32") / 255 for x, count in ((data.x_train, TRAINING), (data.x_test, TEST)))
    return Samples(x, data.y_train[:TRAINING].astype("int32"), x_test, data.y_test[:TEST].astype("int32"))


def _network(seed: int) -> keras.Model:
    same = {"activation": "relu", "padding": "same"}
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            started(keras.layers.Conv2D, seed, 0, 16, 3, strides=2, **same),
            started(keras.layers.Conv2D, seed, 1, 32, 3, strides=2, **same),
            keras.layers.Flatten(),
            started(keras.layers.Dense, seed, 2, 64, activation="relu", name="hidden"),
            started(keras.layers.Dense, seed, 3, 10, name="logits"),
        ]
    )
