"""One hidden layer of tanh units: truth 0, and truths of fewer units than the network has."""

import keras
import numpy as np

import keras_selfmodel as ksm
from truth.case import Built, Case, Excess
from truth.tables import table

SAMPLES = 100_000
FAMILY = "tanh networks"
# The true function where it is not 0: TEACHER[1]·tanh(TEACHER[0]·x), and the weight in of the units that do not count.
TEACHER, SPARE = (1.5, 1.0), 0.6


def cases() -> list[Case]:
    zero = [(hidden, 0, float(ksm.rlct.exact.tanh_network(hidden).value)) for hidden in (1, 2, 3, 4)]
    # At the teacher's own weights both count: 2/2. A spare unit with weight out 0 and another weight in than the
    # teacher's adds its weight out alone, ½: tanh ax, x tanh' ax and tanh bx are linearly independent, the spare weight
    # in is exactly flat, so the true parameters near w* are a smooth curve and the loss a parabola across it.
    fewer = [(1, 1, 1.0), (2, 1, 1.5)]
    return [
        Case(
            FAMILY,
            f"{hidden} units, truth {'0' if not true_units else f'of {true_units}'}",
            exact,
            lambda hidden=hidden, true_units=true_units: _build(hidden, true_units),
            cheap=(hidden, true_units) == (2, 1),
            reference=lambda hidden=hidden, true_units=true_units: _reference(hidden, true_units),
        )
        for hidden, true_units, exact in (*zero, *fewer)
    ]


def weights(hidden: int, true_units: int) -> np.ndarray:
    """Weights in and out at w*, `(2, hidden)`."""
    if not true_units:
        return np.zeros((2, hidden))
    return np.c_[TEACHER, np.tile([[SPARE], [0.0]], hidden - 1)]


def _build(hidden: int, true_units: int) -> Built:
    into, out = weights(hidden, true_units)
    x = np.random.default_rng(82).uniform(-1, 1, (SAMPLES, 1)).astype("float32")
    y = TEACHER[1] * np.tanh(TEACHER[0] * x) if true_units else np.zeros_like(x)
    dense = [keras.layers.Dense(hidden, "tanh", use_bias=False), keras.layers.Dense(1, use_bias=False)]
    model = keras.Sequential([keras.Input((1,)), *dense])
    model.set_weights([into[None, :], out[:, None]])
    name = f"{hidden} units, truth {'0' if not true_units else f'of {true_units}'}"
    return Built(model, (x, y.astype("float32")), keras.losses.MeanSquaredError(), table(FAMILY, name))


def _reference(hidden: int, true_units: int) -> tuple[np.ndarray, Excess]:
    """The loss over uniform inputs, by Gauss's rule; it is even in x."""
    nodes, parts = np.polynomial.legendre.leggauss(24)
    x, part = nodes[12:], parts[12:]  # which sum to 1
    truth = TEACHER[1] * np.tanh(TEACHER[0] * x) if true_units else 0.0

    def excess(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        into, out = w[:, :hidden], w[:, hidden:]
        unit = np.tanh(into[:, :, None] * x)
        wrong = np.einsum("ch,chx->cx", out, unit) - truth
        slope = 2 * part * wrong
        to_out = np.einsum("chx,cx->ch", unit, slope)
        to_into = out * np.einsum("chx,cx->ch", (1 - unit**2) * x, slope)
        return (part * wrong**2).sum(axis=1), np.concatenate([to_into, to_out], axis=1)

    return weights(hidden, true_units).ravel(), excess
