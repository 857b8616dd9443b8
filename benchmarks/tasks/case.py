"""What a case is, and layers that start the same on every backend."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True)
class Samples:
    """Training and test data."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Case:
    """A task with the network that learns it, and how its self-model looks at it.

    Attributes:
        name: Its name in tables.
        samples: Makes the data.
        network: Builds the network from a seed; its layer "hidden" is what the final layer reads.
        epochs: How often the data are seen.
        batch_size: Samples of a training step.
        weight_decay: Of AdamW.
        numbers: Whether the outputs are numbers, with the mean squared error, not scores of classes.
        targets: The layers that are predicted.
        options: Further arguments of `SelfModelingModel`.
    """

    name: str
    samples: Callable[[], Samples]
    network: Callable[[int], keras.Model]
    epochs: int
    batch_size: int = 64
    weight_decay: float = 0.0
    numbers: bool = False
    targets: tuple[str, ...] = ("hidden",)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def loss(self) -> keras.losses.Loss:
        if self.numbers:
            return keras.losses.MeanSquaredError()
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @property
    def metric(self) -> keras.metrics.Metric:
        return keras.metrics.R2Score(name="score") if self.numbers else keras.metrics.SparseCategoricalAccuracy("score")


def started(layer: type[keras.Layer], seed: int, number: int, *arguments: Any, **options: Any) -> keras.Layer:
    """A layer whose kernel has a seed of its own: (seed of the network, number of the layer)."""
    initializer = keras.initializers.GlorotUniform(1_000 * seed + number)
    return layer(*arguments, kernel_initializer=initializer, **options)


def embedding(size: int, width: int, seed: int) -> keras.layers.Embedding:
    """An embedding with its own seed."""
    started_from = keras.initializers.RandomNormal(stddev=1.0, seed=1_000 * seed + 999)
    return keras.layers.Embedding(size, width, embeddings_initializer=started_from)


def shuffled_parts(x: np.ndarray, y: np.ndarray, training: int, test: int) -> Samples:
    """The first `training` and the next `test` of the samples in a random order, the same every time."""
    order = np.random.default_rng(0).permutation(len(x))
    first, then = order[:training], order[training : training + test]
    return Samples(x[first], y[first], x[then], y[then])
