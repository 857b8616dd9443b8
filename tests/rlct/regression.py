"""Linear regressions, whose posterior is a Gaussian known in closed form."""

import keras
import numpy as np
from keras import ops


def half_squared_error(y, prediction):
    """−ln N(y; prediction, 1) up to a constant."""
    return 0.5 * ops.sum(ops.square(y - prediction), axis=-1)


def linear_network(widths, weights) -> keras.Sequential:
    """A network of linear layers without bias."""
    layers = [keras.layers.Dense(width, use_bias=False) for width in widths[1:]]
    model = keras.Sequential([keras.Input((widths[0],)), *layers])
    model.set_weights(weights)
    return model


def regression(n, d, seed=0):
    """Data of a linear regression with unit noise, the model at its least-squares solution and its Hessian's values."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * np.linspace(0.5, 1.5, d)
    y = x @ rng.normal(size=(d, 1)) + rng.normal(size=(n, 1))
    model = linear_network([d, 1], [np.linalg.lstsq(x, y, rcond=None)[0]])
    return model, (x.astype("float32"), y.astype("float32")), np.linalg.eigvalsh(x.T @ x / n)
