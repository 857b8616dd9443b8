"""Trained networks whose RLCT is estimated."""

from dataclasses import dataclass

import keras
import numpy as np

import keras_selfmodel as ksm
from keras_selfmodel import transforms
from keras_selfmodel.datasets import load
from keras_selfmodel.experiments import find_task


@dataclass(frozen=True)
class Problem:
    """A trained network, the data it was trained on, and how long to measure."""

    name: str
    model: keras.Model
    x: np.ndarray
    y: np.ndarray
    batch: int
    localization: float | None
    steps_a_round: int

    @property
    def settings(self) -> dict:
        return {"batch_size": self.batch, "localization": self.localization}

    @property
    def inverse_temperature(self) -> float:
        return len(self.x) / np.log(len(self.x))


def mnist(path: str | None, localization: float | None) -> Problem:
    data = load("mnist")
    x, y = find_task("mnist").inputs(data.x_train), data.y_train
    if path:
        model = keras.saving.load_model(path)
    else:
        keras.utils.set_random_seed(1)
        model = ksm.models.mlp(seed=1)
        train(model, keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True), x, y, 512, 20)
    return Problem("mnist", model, x, y, 512, localization, 150)


def small(localization: float | None) -> Problem:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10_000, 64)).astype("float32")
    # Labels drawn from the probabilities of another network: no network fits them all.
    hidden = np.maximum(x @ rng.normal(size=(64, 8)) / 8, 0)
    scores = 4 * hidden @ rng.normal(size=(8, 10))
    y = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1).astype("int32")
    keras.utils.set_random_seed(1)
    model = ksm.models.mlp(26, inputs=64, seed=1)
    for rate in (3e-3, 3e-4, 3e-5):
        train(model, keras.optimizers.Adam(rate), x, y, 256, 40)
    return Problem("small", model, x, y, 256, localization, 500)


def train(model, optimizer, x, y, batch: int, epochs: int) -> None:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss=loss, **transforms.compile_options(model))
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)
