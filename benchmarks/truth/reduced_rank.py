"""Linear networks with one hidden layer whose layers have prescribed ranks: the LOCAL λ at that parameter."""

import keras
import numpy as np

import keras_selfmodel as ksm
from truth.case import Built, Case, Excess
from truth.tables import table

SAMPLES = 100_000
# inputs, hidden, outputs, rank of the product, of the first layer, of the second
SHAPES = [
    (5, 5, 5, 2, 2, 5),
    (5, 5, 5, 2, 2, 2),
    (5, 5, 5, 0, 0, 0),
    (6, 4, 6, 2, 4, 2),
    (8, 3, 4, 3, 3, 3),
    (3, 8, 4, 0, 0, 0),
]
FAMILY = "reduced-rank regression"


def name_of(shape) -> str:
    m, h, n, r, first, second = shape
    return f"{m}-{h}-{n}, rank {r}, layers {first} and {second}"


def cases() -> list[Case]:
    return [
        Case(
            FAMILY,
            name_of(shape),
            float(ksm.rlct.exact.local_two_layer(*shape)),
            lambda shape=shape: _build(shape),
            cheap=shape == SHAPES[4],
            reference=lambda shape=shape: _reference(shape),
        )
        for shape in SHAPES
    ]


def layers(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Matrices of the prescribed ranks, float64 `(m, h)`, `(h, n)`."""
    m, h, n, r, first, second = shape
    rng = np.random.default_rng([80, *shape])
    # In a random basis of the hidden layer: r directions are shared, the others belong to one layer alone.
    kept_first, kept_second = np.zeros(h), np.zeros(h)
    kept_first[:first] = 1
    kept_second[:r] = kept_second[first : first + second - r] = 1
    basis = np.linalg.qr(rng.normal(size=(h, h)))[0]
    before = (rng.normal(size=(m, h)) * kept_first) @ basis / np.sqrt(m)
    after = basis.T @ (rng.normal(size=(h, n)) * kept_second[:, None]) / np.sqrt(h)
    return before, after


def _build(shape: tuple[int, ...]) -> Built:
    m, h, n, *_ = shape
    before, after = layers(shape)
    x = np.random.default_rng([81, *shape]).normal(size=(SAMPLES, m)).astype("float32")
    y = (x @ before.astype("float32") @ after.astype("float32")).astype("float32")
    model = keras.Sequential([keras.Input((m,)), *(keras.layers.Dense(size, use_bias=False) for size in (h, n))])
    model.set_weights([before, after])
    return Built(model, (x, y), keras.losses.MeanSquaredError(), table(FAMILY, name_of(shape)))


def _reference(shape: tuple[int, ...]) -> tuple[np.ndarray, Excess]:
    """The loss over standard normal inputs: the mean over outputs of |ΔM|²."""
    m, h, n, *_ = shape
    before, after = layers(shape)
    true_map = before @ after

    def excess(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, second = weights[:, : m * h].reshape(-1, m, h), weights[:, m * h :].reshape(-1, h, n)
        wrong = first @ second - true_map
        slope = 2 * wrong / n
        gradients = slope @ second.transpose(0, 2, 1), first.transpose(0, 2, 1) @ slope
        return (wrong**2).sum(axis=(1, 2)) / n, np.concatenate([g.reshape(len(weights), -1) for g in gradients], axis=1)

    return np.concatenate([before.ravel(), after.ravel()]), excess
