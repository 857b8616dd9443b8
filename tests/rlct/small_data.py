"""Forty samples, and forty texts, with small networks for them."""

import keras
import numpy as np
from keras import layers, losses

from keras_selfmodel.rlct.problem import Problem

rng = np.random.default_rng(5)
N, T, WORDS = 40, 6, 9
X = rng.normal(size=(N, 5)).astype("float32")
CLASSES = np.arange(N) % 3
# Behind its end a text is 0; the labels are the next words.
TOKENS = rng.integers(1, WORDS, size=(N, T))
TOKENS[np.arange(T) >= rng.integers(2, T + 1, size=N)[:, None]] = 0
NEXT = np.roll(TOKENS, -1, axis=1)
OF_SAMPLES, OF_TOKENS = rng.uniform(size=N).astype("float32"), rng.uniform(size=(N, T)).astype("float32")
CROSS_ENTROPY = losses.SparseCategoricalCrossentropy(from_logits=True)


def dense(units: int = 3, activation: str | None = None) -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((5,)), layers.Dense(4, "tanh"), layers.Dense(units, activation)])


def tagger(memory: keras.Layer | None = None, *, masked: bool = True) -> keras.Model:
    memory = layers.GRU(4, return_sequences=True) if memory is None else memory
    words = layers.Embedding(WORDS, 4, mask_zero=masked)
    return keras.Sequential([keras.Input((T,), dtype="int32"), words, memory, layers.Dense(WORDS)])


class Subclassed(keras.Model):
    def __init__(self, dtype: str | None = None) -> None:
        super().__init__(dtype=dtype)
        self.logits, self.dropout = layers.Dense(3, dtype=dtype), layers.Dropout(0.5)

    def call(self, x, training=False):
        return self.logits(self.dropout(x, training=training))


def loss_at_anchor(model, data, **arguments) -> tuple[float, Problem]:
    """L(w*), and what it is the loss of."""
    problem = Problem.of(model, data, training=False, **arguments)
    return problem.energy.mean_loss([np.arange(problem.energy.num_samples)]), problem
