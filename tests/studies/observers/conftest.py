"""Networks whose activations are known in closed form."""

import keras
import numpy as np
import pytest

from keras_selfmodel.experiments import RunResult
from keras_selfmodel.studies import StoredRun
from tests.studies.made_up import made_up_run, network_written


@pytest.fixture(scope="session")
def inputs(dataset) -> np.ndarray:
    """What the network sees."""
    return dataset.x_train.reshape(60, 9) / 127.5 - 1.0


@pytest.fixture(scope="session")
def kernels() -> tuple[np.ndarray, np.ndarray]:
    """9 inputs, 4 linear units, the last of which is dead, 2 answers."""
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(9, 4)).astype("float32")
    hidden[:, 3] = 0.0
    return hidden, rng.normal(size=(4, 2)).astype("float32")


def linear_run(folder, kernels, aux_weight=0.0, seed=1, scale=1.0, **measures) -> RunResult:
    """A run whose network is linear, with activations `scale` times as large and the same answers."""
    hidden, answers = kernels
    network = keras.Sequential(
        [keras.Input((9,)), keras.layers.Dense(4, name="hidden"), keras.layers.Dense(2, name="logits")]
    )
    network.set_weights([hidden * scale, np.full(4, 0.5 * scale, "float32"), answers / scale, np.zeros(2, "float32")])
    network.compile("sgd", loss="mse")
    return network_written(made_up_run(aux_weight, seed, hidden=4, **measures), network, folder)


@pytest.fixture(scope="session")
def network(kernels, tmp_path_factory) -> StoredRun:
    return StoredRun(linear_run(tmp_path_factory.mktemp("runs") / "linear", kernels))
