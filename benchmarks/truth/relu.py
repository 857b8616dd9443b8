"""One hidden layer of ReLU units with more units than the true function needs."""

import keras
import numpy as np

from truth.case import Built, Case, Excess
from truth.tables import table

SAMPLES = 100_000
FAMILY = "ReLU networks"
TRUE_IN, TRUE_OUT = np.array([1.0, -0.5, 0.8, 0.3]), 1.3
SPARE = np.array([0.4, 0.9, -0.7, 0.6])


def _parameters() -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Weights in `(4, units)` and out `(units,)` at w*, and λ.

    - The teacher itself: four weights in and one out, less the scale that a unit's two layers can exchange: 4/2.
    - Spare units with weight out 0 whose weights in are in general position: each adds its weight out, ½; its weights
      in are exactly flat. The true parameters near w* are smooth, and the loss a parabola across them.
    - The teacher's unit split in two parallel halves: four directions count as before; to move the halves apart by δ
      across their common direction changes the function where the sign differs alone, on a part of the inputs that
      grows like |δ|, and by as much as |δ|: the loss is |δ|³ in three dimensions, which adds 3/3. But the halves can
      exchange their weight out until one has none, and from there on that case's smaller λ holds: chains that are not
      kept near w* find 2.5.
    """
    one = TRUE_IN[:, None]
    return {
        "the teacher": (one, np.array([TRUE_OUT]), 2.0),
        "one spare unit": (np.c_[one, SPARE], np.array([TRUE_OUT, 0.0]), 2.5),
        "two spare units": (np.c_[one, SPARE, -SPARE[::-1]], np.array([TRUE_OUT, 0.0, 0.0]), 3.0),
        "the unit split in two": (np.c_[one, one] / 2**0.5, np.array([TRUE_OUT, TRUE_OUT]) / 2**0.5, 3.0),
    }


def cases() -> list[Case]:
    return [
        Case(
            FAMILY,
            name,
            exact,
            lambda name=name: _build(name),
            cheap=name == "one spare unit",
            reference=lambda name=name: _reference(name),
        )
        for name, (_, _, exact) in _parameters().items()
    ]


def _build(name: str) -> Built:
    into, out, _ = _parameters()[name]
    x = np.random.default_rng(83).normal(size=(SAMPLES, 4)).astype("float32")
    y = (TRUE_OUT * np.maximum(x @ TRUE_IN, 0))[:, None].astype("float32")
    dense = [keras.layers.Dense(len(out), "relu", use_bias=False), keras.layers.Dense(1, use_bias=False)]
    model = keras.Sequential([keras.Input((4,)), *dense])
    model.set_weights([into, out[:, None]])
    return Built(model, (x, y), keras.losses.MeanSquaredError(), table(FAMILY, name))


def _reference(name: str) -> tuple[np.ndarray, Excess]:
    """The loss over standard normal inputs, from the mean of relu(a·x)·relu(b·x) in closed form (Cho & Saul 2009)."""
    into, out, _ = _parameters()[name]
    units = len(out)

    def excess(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a = w[:, : 4 * units].reshape(-1, 4, units).transpose(0, 2, 1)
        a = np.concatenate([a, np.broadcast_to(TRUE_IN, (len(w), 1, 4))], axis=1)
        b = np.concatenate([w[:, 4 * units :], np.full((len(w), 1), -TRUE_OUT)], axis=1)
        norm = np.linalg.norm(a, axis=2)
        norms = norm[:, :, None] * norm[:, None, :]
        cosine = np.clip(np.einsum("cid,cjd->cij", a, a) / norms, -1, 1)
        angle, sine = np.arccos(cosine), np.sqrt(1 - cosine**2)
        kernel = norms * (sine + (np.pi - angle) * cosine) / (2 * np.pi)
        seen = np.einsum("cij,cj->ci", kernel, b)
        # The slope of the kernel in a: [(π − θ) b + sin θ |b| a/|a|]/2π.
        along = np.einsum("cij,cj,cj->ci", sine, b, norm) / norm
        slope = np.einsum("cij,cj,cjd->cid", np.pi - angle, b, a) + along[:, :, None] * a
        to_into = 2 * b[:, :units, None] * slope[:, :units] / (2 * np.pi)
        gradient = [to_into.transpose(0, 2, 1).reshape(len(w), -1), 2 * seen[:, :units]]
        return (b * seen).sum(axis=1), np.concatenate(gradient, axis=1)

    return np.concatenate([into.ravel(), out]), excess
