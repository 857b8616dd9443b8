"""Least squares with features of very different scales, at the minimum: λ = d/2 whatever the condition."""

import keras
import numpy as np

from truth.case import Built, Case
from truth.parabola import quadratic

SAMPLES = 100_000


def cases() -> list[Case]:
    described = [(10, 1e0), (10, 1e2), (10, 1e4), (10, 1e6), (40, 1e3)]
    return [
        Case(
            "least squares",
            f"d {d}, condition {condition:.0e}".replace("e+0", "e"),
            d / 2,
            lambda d=d, condition=condition: _build(d, condition),
            cheap=condition == 1e2,
        )
        for d, condition in described
    ]


def _build(d: int, condition: float) -> Built:
    rng = np.random.default_rng([77, d, int(condition)])
    x = (rng.normal(size=(SAMPLES, d)) * np.geomspace(1, condition**-0.5, d)).astype("float32")
    y = (x @ rng.normal(size=d) + rng.normal(size=SAMPLES)).astype("float32")
    exact_x, exact_y = x.astype(np.float64), y.astype(np.float64)
    best = np.linalg.solve(exact_x.T @ exact_x, exact_x.T @ exact_y)
    model = keras.Sequential([keras.Input((d,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([best[:, None].astype("float32")])
    curvatures = np.linalg.eigvalsh(2 * exact_x.T @ exact_x / SAMPLES)
    return Built(model, (x, y[:, None]), keras.losses.MeanSquaredError(), quadratic(curvatures))
