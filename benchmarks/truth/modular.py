"""Quadratic networks on modular arithmetic: outputs Σ_k v_kc (p_ka + q_kb)² of two residues a and b, one for each c.

Where the rank of the Jacobian of all outputs is the largest there is, it is the same nearby: the true parameters are a
smooth surface, the loss a parabola across it, and λ half the rank (compare arXiv 2603.01192). A generic network of few
units has one parameter less for the scale that its layers can exchange, and one for what p and q can: 3·5·3 − 2·3 = 39
with 3 units and 5 residues. With enough units every function of (a, b, c) can be reached: 5³ = 125 directions count.
"""

import keras
import numpy as np

from truth.case import Built, Case, Excess
from truth.tables import table

FAMILY = "quadratic networks on modular arithmetic"
RESIDUES, REPEATS = 5, 4000
FEW, SPARE = 3, 12


class Square(keras.layers.Layer):
    """x²."""

    def call(self, x):
        return x * x


def _parameters() -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Weights in `(2·residues, units)` and out `(units, residues)` at w*, and λ."""
    rng = np.random.default_rng(84)
    few = rng.normal(size=(2 * RESIDUES, FEW)) / 2, rng.normal(size=(FEW, RESIDUES)) / 2
    into, out = addition()
    spare = rng.normal(size=(2 * RESIDUES, SPARE)) / 2
    into, out = np.c_[into, spare], np.r_[out, np.zeros((SPARE, RESIDUES))]
    units = 3 * RESIDUES * FEW
    return {
        f"a teacher of {FEW} generic units": (*few, (units - 2 * FEW) / 2),
        f"addition, {len(out)} units, {SPARE} of them spare": (into, out, RESIDUES**3 / 2),
    }


def addition() -> tuple[np.ndarray, np.ndarray]:
    """Weights that give 1 for c = a + b and 0 for the others, from cos θ_a cos θ_b = ¼(+)² − ¼(−)² in three phases."""
    residues = np.arange(RESIDUES)
    into, out = [np.full(2 * RESIDUES, 0.5)], [np.full(RESIDUES, 1 / RESIDUES)]
    for frequency in range(1, RESIDUES // 2 + 1):
        for phase in np.pi * np.arange(3) / 3:
            wave = np.cos(2 * np.pi * frequency * residues / RESIDUES + phase)
            back = np.cos(2 * np.pi * frequency * residues / RESIDUES + 2 * phase)
            for sign in (1, -1):
                into.append(np.r_[wave, sign * wave])
                out.append(sign * back * 2 / (3 * RESIDUES))
    return np.array(into).T, np.array(out)


def cases() -> list[Case]:
    return [
        Case(
            FAMILY,
            name,
            exact,
            lambda name=name: _build(name),
            cheap=name.startswith("a teacher"),
            reference=lambda name=name: _reference(name),
        )
        for name, (_, _, exact) in _parameters().items()
    ]


def inputs() -> np.ndarray:
    """Both residues in one-hot code, all pairs, `(residues², 2·residues)`."""
    code = np.eye(RESIDUES)
    return np.array([np.r_[first, second] for first in code for second in code])


def _build(name: str) -> Built:
    into, out, _ = _parameters()[name]
    x = np.tile(inputs(), (REPEATS, 1)).astype("float32")
    layers = [keras.layers.Dense(len(out), use_bias=False), Square(), keras.layers.Dense(RESIDUES, use_bias=False)]
    model = keras.Sequential([keras.Input((2 * RESIDUES,)), *layers])
    model.set_weights([into, out])
    y = ((x @ into) ** 2 @ out).astype("float32")
    return Built(model, (x, y), keras.losses.MeanSquaredError(), table(FAMILY, name))


def _reference(name: str) -> tuple[np.ndarray, Excess]:
    into, out, _ = _parameters()[name]
    x, units = inputs(), len(out)
    truth = (x @ into) ** 2 @ out

    def excess(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, second = w[:, : into.size].reshape(-1, *into.shape), w[:, into.size :].reshape(-1, units, RESIDUES)
        before = x @ first
        square = before * before
        wrong = square @ second - truth
        slope = 2 * wrong / truth.size
        to_second = square.transpose(0, 2, 1) @ slope
        to_first = x.T @ (2 * before * (slope @ second.transpose(0, 2, 1)))
        gradient = [to_first.reshape(len(w), -1), to_second.reshape(len(w), -1)]
        return (wrong**2).sum(axis=(1, 2)) / truth.size, np.concatenate(gradient, axis=1)

    return np.concatenate([into.ravel(), out.ravel()]), excess
