"""Softmax and logistic regression at their optimum: λ is half the number of directions that change a probability."""

import keras
import numpy as np

from truth.case import Built, Case
from truth.parabola import quadratic


def cases() -> list[Case]:
    described = [
        # classes, features, least scale, samples
        (10, 20, 1.0, 20_000),
        (10, 20, 0.03, 20_000),
        (3, 8, 0.1, 20_000),
        (2, 3, 1.0, 1_000),
        (2, 12, 0.03, 20_000),
    ]
    return [
        Case(
            "softmax and logistic regression",
            f"{classes} classes, {d} features, scales 1 to {least:g}, n {samples:,}",
            (classes - 1) * (d + 1) / 2,
            lambda arguments=(classes, d, least, samples): _build(*arguments),
            cheap=samples == 1_000,
        )
        for classes, d, least, samples in described
    ]


def _build(classes: int, d: int, least: float, samples: int) -> Built:
    rng = np.random.default_rng([79, classes, d, round(1000 * least)])
    x = (rng.normal(size=(samples, d)) * np.geomspace(1, least, d)).astype("float32")
    probabilities = _softmax(x @ rng.normal(size=(d, classes)))
    y = (probabilities.cumsum(axis=1) < rng.uniform(size=(samples, 1))).sum(axis=1).clip(max=classes - 1)
    features = np.c_[x, np.ones(samples)].astype(np.float64)
    weights = _optimum(features, y, classes)
    curvatures = np.linalg.eigvalsh(_hessian(features, _softmax(features @ weights)))
    # Adding the same to the scores of all classes changes nothing: d + 1 directions are exactly flat.
    curvatures = np.sort(curvatures)[d + 1 :]
    if classes == 2:
        # One score, the difference; w* as one column: half the curvature of two columns that move apart.
        model = keras.Sequential([keras.Input((d,)), keras.layers.Dense(1)])
        difference = weights[:, 1:] - weights[:, :1]
        model.set_weights([difference[:-1], difference[-1]])
        loss, labels = keras.losses.BinaryCrossentropy(from_logits=True), y[:, None].astype("float32")
        curvatures = curvatures / 2
    else:
        model = keras.Sequential([keras.Input((d,)), keras.layers.Dense(classes)])
        model.set_weights([weights[:-1], weights[-1]])
        loss, labels = keras.losses.SparseCategoricalCrossentropy(from_logits=True), y
    return Built(model, (x, labels), loss, quadratic(curvatures))


def _softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _optimum(features: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Newton's method, with the exactly flat directions held."""
    weights = np.zeros((features.shape[1], classes))
    target = np.eye(classes)[y]
    for _ in range(50):
        probabilities = _softmax(features @ weights)
        gradient = (features.T @ (probabilities - target) / len(y)).ravel()
        if np.abs(gradient).max() < 1e-13:
            break
        step = np.linalg.lstsq(_hessian(features, probabilities), gradient, rcond=1e-12)[0]
        weights = weights - step.reshape(weights.shape)
    return weights


def _hessian(features: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Of the mean cross-entropy in the weights `(features, classes)`, raveled."""
    size, classes = features.shape[1], probabilities.shape[1]
    hessian = np.empty((size, classes, size, classes))
    for a in range(classes):
        for b in range(a, classes):
            weight = probabilities[:, a] * ((a == b) - probabilities[:, b])
            hessian[:, a, :, b] = hessian[:, b, :, a] = (features * weight[:, None]).T @ features / len(features)
    return hessian.reshape(size * classes, size * classes)
