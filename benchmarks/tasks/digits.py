"""Written digits: scikit-learn's 1,797, and MNIST's with other networks than the paper's."""

import keras
import numpy as np

from keras_selfmodel import datasets
from keras_selfmodel.models import mlp
from tasks.case import Case, Samples, shuffled_parts, started

MNIST_SAMPLES = 10_000


def scanned_digits() -> Case:
    """Images of 8 × 8 pixels."""

    def samples() -> Samples:
        from sklearn.datasets import load_digits

        x, y = load_digits(return_X_y=True)
        return shuffled_parts((x / 16).astype("float32"), y.astype("int32"), 1_297, 500)

    return Case("digits", samples, lambda seed: mlp(64, inputs=64, seed=seed), epochs=60, batch_size=32)


def mnist() -> tuple[Case, ...]:
    """The paper's network of 64 hidden units, with batch normalization, and with two hidden layers.

    Of two hidden layers, the second is predicted: from itself as usual, or from the first.
    """
    return (
        Case("MNIST", _first_images, lambda seed: mlp(64, seed=seed), epochs=10),
        Case("MNIST, batch norm", _first_images, lambda seed: mlp(64, batch_norm=True, seed=seed), epochs=10),
        Case("MNIST, two layers", _first_images, _two_layers, epochs=10),
        Case(
            "MNIST, two layers, head on the first", _first_images, _two_layers, epochs=10, options={"features": "first"}
        ),
    )


def _first_images() -> Samples:
    data = datasets.load("mnist")
    return Samples(*_flat(data.x_train[:MNIST_SAMPLES], data.y_train[:MNIST_SAMPLES]), *_flat(data.x_test, data.y_test))


def _flat(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(images, "float32").reshape(len(images), -1) / 255, labels.astype("int32")


def _two_layers(seed: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((784,)),
            started(keras.layers.Dense, seed, 0, 64, activation="relu", name="first"),
            started(keras.layers.Dense, seed, 1, 64, activation="relu", name="hidden"),
            started(keras.layers.Dense, seed, 2, 10, name="logits"),
        ]
    )
