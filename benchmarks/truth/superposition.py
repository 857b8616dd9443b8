"""The toy model of superposition, x ≈ relu(WᵀWx + b) with two hidden dimensions, at regular polygons.

One of k features is active at a time, uniform in [0, 1]. At the polygon the loss is at a minimum whose Hessian, checked
by the tests, has one flat direction, the rotation: λ = (3k − 1)/2. With n = 100,000 samples the posterior reaches
beyond the kinks next to w*, and the finite value is larger.

Reference: Chen et al., "Dynamical versus Bayesian phase transitions in a toy model of superposition", arXiv 2310.06301.
"""

import keras
import numpy as np
from keras import ops

from truth.case import Built, Case, Excess
from truth.tables import table

FAMILY = "toy model of superposition"
LEVELS, SAMPLES = 200, 100_000


class Superposition(keras.layers.Layer):
    """relu(WᵀWx + b)."""

    def build(self, shape):
        self.w = self.add_weight(shape=(2, shape[-1]), name="w")
        self.b = self.add_weight(shape=(shape[-1],), name="b")

    def call(self, x):
        return ops.relu(x @ ops.transpose(self.w) @ self.w + self.b)


def cases() -> list[Case]:
    return [
        Case(
            FAMILY,
            f"{k}-gon",
            (3 * k - 1) / 2,
            lambda k=k: _build(k),
            cheap=k == 5,
            reference=lambda k=k: _reference(k),
        )
        for k in (5, 6)
    ]


def inputs(k: int) -> np.ndarray:
    """One feature active, at the middles of `LEVELS` parts of [0, 1]: `(k·LEVELS, k)`."""
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    return (np.eye(k)[:, None, :] * levels[:, None]).reshape(-1, k)


def loss_and_gradient(k: int):
    """`(weights (chains, 3k)) -> (mean squared error (chains,), gradient)`."""
    x = inputs(k)

    def evaluate(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, bias = w[:, : 2 * k].reshape(-1, 2, k), w[:, 2 * k :]
        below = x @ first.transpose(0, 2, 1)
        scores = below @ first + bias[:, None, :]
        wrong = np.maximum(scores, 0) - x
        slope = np.where(scores > 0, 2 * wrong / x.size, 0.0)
        to_first = below.transpose(0, 2, 1) @ slope + (first @ slope.transpose(0, 2, 1)) @ x
        gradient = np.concatenate([to_first.reshape(len(w), -1), slope.sum(axis=1)], axis=1)
        return (wrong**2).sum(axis=(1, 2)) / x.size, gradient

    return evaluate


def optimum(k: int) -> tuple[np.ndarray, np.ndarray]:
    """w* `(3k,)` and the Hessian there, by Newton's method from the best regular polygon."""
    evaluate = loss_and_gradient(k)
    angles = 2 * np.pi * np.arange(k) / k
    polygon = np.r_[np.cos(angles), np.sin(angles)]
    starts = [
        np.r_[length * polygon, np.full(k, bias)]
        for length in np.linspace(0.7, 1.5, 33)
        for bias in np.linspace(-0.6, 0.0, 25)
    ]
    w = starts[int(np.argmin(evaluate(np.array(starts))[0]))]
    for _ in range(40):
        hessian = _hessian(evaluate, w)
        values, vectors = np.linalg.eigh(hessian)
        inverse = np.where(np.abs(values) > 1e-7, 1 / np.maximum(np.abs(values), 1e-7), 0.0)
        w = w - vectors @ (inverse * (vectors.T @ evaluate(w[None])[1][0]))
    return w, hessian


def _hessian(evaluate, w: np.ndarray, length: float = 1e-5) -> np.ndarray:
    away = length * np.eye(len(w))
    hessian = (evaluate(w + away)[1] - evaluate(w - away)[1]) / (2 * length)
    return (hessian + hessian.T) / 2


def _build(k: int) -> Built:
    w, _ = optimum(k)
    x = np.tile(inputs(k), (SAMPLES // (k * LEVELS), 1)).astype("float32")
    model = keras.Sequential([keras.Input((k,)), Superposition()])
    model.set_weights([w[: 2 * k].reshape(2, k), w[2 * k :]])
    return Built(model, (x, x), keras.losses.MeanSquaredError(), table(FAMILY, f"{k}-gon"))


def _reference(k: int) -> tuple[np.ndarray, Excess]:
    w, _ = optimum(k)
    evaluate = loss_and_gradient(k)
    least = evaluate(w[None])[0][0]

    def excess(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        losses, gradients = evaluate(weights)
        return losses - least, gradients

    return w, excess
