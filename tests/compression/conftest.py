"""One small trained network and its samples."""

import keras
import numpy as np
import pytest

from keras_selfmodel.compression import ScoredNetwork


@pytest.fixture(scope="package")
def data() -> tuple[np.ndarray, np.ndarray]:
    """60 samples of three classes that a line separates roughly."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = rng.normal(size=(60, 6)) + 1.5 * np.eye(3, 6)[labels]
    return x.astype("float32"), labels.astype("int32")


@pytest.fixture(scope="package")
def model(data) -> keras.Model:
    """A trained 6-8-3 network whose unit 2 is dead."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, "relu", name="hidden"), keras.layers.Dense(3, name="logits")]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.3), loss=loss, metrics=["accuracy"])
    model.fit(*data, epochs=6, batch_size=20, verbose=0, shuffle=False)
    kernel, bias, *others = model.get_weights()
    kernel[:, 2], bias[2] = 0, -1
    model.set_weights([kernel, bias, *others])
    return model


@pytest.fixture(scope="package")
def network(model, data) -> ScoredNetwork:
    """Scored in batches of 25, so that the last one is smaller."""
    return ScoredNetwork(model, *data, batch_size=25)


@pytest.fixture(scope="package")
def forward(data):
    """The loss and accuracy of weights of the network, in NumPy and double precision."""

    def scores(weights, x=data[0]):
        kernel, bias, last, last_bias = (np.asarray(one, dtype=np.float64) for one in weights)
        logits = np.maximum(x @ kernel + bias, 0) @ last + last_bias
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return float(-log_p[np.arange(60), data[1]].mean()), float(np.mean(logits.argmax(axis=1) == data[1]))

    return scores
