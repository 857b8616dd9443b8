"""An observer with a hidden layer."""

import keras
import numpy as np

from keras_selfmodel import transforms
from keras_selfmodel.models import mlp
from keras_selfmodel.probes.observers.protocol import ObserverProtocol


class NetworkObserver:
    """A network with one hidden layer that is reset to the same weights for every network it observes.

    It is compiled once: only its weights and the optimizer's state are set back.

    Args:
        features: Length of what it sees.
        hidden: Its hidden units.
        units: Length of what it predicts.
        protocol: Budget and seed.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(20, 3))
    >>> NetworkObserver(3, 4, 2, ObserverProtocol(epochs=1, batch_size=10)).predict(x, x[:, :2], x[:5]).shape
    (5, 2)
    """

    def __init__(self, features: int, hidden: int, units: int, protocol: ObserverProtocol) -> None:
        self._protocol = protocol
        self._network = mlp(hidden, inputs=features, classes=units, seed=protocol.seed)
        self._network.compile(
            keras.optimizers.Adam(protocol.learning_rate),
            loss="mean_squared_error",
            **transforms.compile_options(self._network),
        )
        self._network.optimizer.build(self._network.trainable_variables)
        self._variables = [*self._network.variables, *self._network.optimizer.variables]
        self._start = [keras.ops.convert_to_numpy(variable).copy() for variable in self._variables]

    def predict(self, x: np.ndarray, y: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Learns `y` `(samples, units)` from `x` `(samples, features)`, and predicts it from `others`."""
        for variable, value in zip(self._variables, self._start, strict=True):
            variable.assign(value)
        settings = self._protocol
        self._network.fit(x, y, batch_size=settings.batch_size, epochs=settings.epochs, shuffle=False, verbose=0)
        return self._network.predict(others, batch_size=1000, verbose=0)
