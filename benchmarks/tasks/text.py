"""The next character of English text: what Python's `help` says of its topics, which every Python brings."""

from functools import cache

import keras
import numpy as np

from tasks.case import Case, Samples, embedding, started

LENGTH, TRAINING, TEST = 32, 4_000, 1_000


def characters() -> Case:
    """A recurrent network whose self-model predicts its state after the next character."""
    next_state = {"per_timestep": True, "steps_ahead": 1}
    return Case("characters", _samples, _network, epochs=10, options=next_state)


@cache
def _codes() -> np.ndarray:
    from pydoc_data.topics import topics

    text = "\n".join(topics[name] for name in sorted(topics)).lower()
    known = sorted(set(text), key=lambda one: (-text.count(one), one))
    return np.array([known.index(one) for one in text[: (TRAINING + TEST) * LENGTH + 1]], "int32")


def _samples() -> Samples:
    codes = _codes()
    x, y = (codes[shift : len(codes) - 1 + shift].reshape(-1, LENGTH) for shift in (0, 1))
    return Samples(x[:TRAINING], y[:TRAINING], x[TRAINING:], y[TRAINING:])


def _network(seed: int) -> keras.Model:
    size = int(_codes().max()) + 1
    recurrent = keras.initializers.Orthogonal(seed=1_000 * seed + 1)
    return keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32"),
            embedding(size, 16, seed),
            started(
                keras.layers.GRU, seed, 0, 64, return_sequences=True, recurrent_initializer=recurrent, name="hidden"
            ),
            started(keras.layers.Dense, seed, 2, size, name="logits"),
        ]
    )
