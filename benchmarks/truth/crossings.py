"""Normal crossings: y ≈ x·Π wᵢ^kᵢ with truth 0, whose corrections fall like 1/ln n."""

import keras
import numpy as np
from keras import ops

import keras_selfmodel as ksm
from truth.case import Built, Case, Finite

SAMPLES = 100_000
NOISE = 0.1


class Power(keras.layers.Layer):
    """x·Π wᵢ^kᵢ."""

    def __init__(self, orders, **options):
        super().__init__(**options)
        self.orders = orders

    def build(self, shape):
        self.w = self.add_weight(shape=(len(self.orders),), initializer="zeros", name="w")

    def call(self, x):
        factors = [self.w[i] ** k for i, k in enumerate(self.orders) if k]
        return x * (factors[0] if len(factors) == 1 else ops.multiply(*factors))


def cases() -> list[Case]:
    clean = [(1, 1), (1, 2), (2, 2), (1, 3), (3, 3), (2, 4), (4, 4), (0, 1), (0, 2)]
    noisy = [(1, 1), (1, 2), (2, 2)]
    return [
        Case(
            "normal crossings" + (" with noise" if noise else ""),
            f"x^{a} y^{b}",
            float(ksm.rlct.exact.normal_crossing([a, b]).value),
            lambda orders=(a, b), noise=noise: _build(orders, noise),
            cheap=(a, b) == (1, 1),
        )
        for noise, orders in ((0.0, clean), (NOISE, noisy))
        for a, b in orders
    ]


def _build(orders: tuple[int, int], noise: float) -> Built:
    rng = np.random.default_rng(78)
    x = rng.normal(size=(SAMPLES, 1)).astype("float32")
    y = (noise * rng.normal(size=(SAMPLES, 1))).astype("float32")
    model = keras.Sequential([keras.Input((1,)), Power(orders)])
    square, product = (float(np.mean(x.astype(np.float64) * other.astype(np.float64))) for other in (x, y))
    return Built(model, (x, y), keras.losses.MeanSquaredError(), quadrature(orders, square, product))


def quadrature(orders: tuple[int, int], square: float, product: float) -> Finite:
    """The finite value of L − L(0) = ⟨x²⟩f² − 2⟨xy⟩f with f = w₁^a w₂^b, by a sum over a grid that is dense near 0."""
    half = np.geomspace(1e-7, 1.0, 1501)
    grid = np.concatenate([-half[::-1], [0.0], half])

    def finite(nbeta: float, localization: float) -> tuple[float, float]:
        # Eight standard deviations of what holds the flat directions.
        w = grid * 8 / np.sqrt(localization)
        weight = np.gradient(w)
        f = w[:, None] ** orders[0] * w[None, :] ** orders[1]
        energy = nbeta * (square * f * f - 2 * product * f)
        exponent = -energy - 0.5 * localization * (w[:, None] ** 2 + w[None, :] ** 2)
        density = np.exp(exponent - exponent.max()) * weight[:, None] * weight[None, :]
        return float((energy * density).sum() / density.sum()), 0.0

    return finite
