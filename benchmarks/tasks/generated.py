"""Generated data: classes of several clusters, a regression, and addition modulo a prime."""

import keras
import numpy as np

from keras_selfmodel.models import mlp
from tasks.case import Case, Samples, embedding, shuffled_parts, started

PRIME = 31


def clusters() -> Case:
    """54 columns, seven classes of four clusters each, in size and shape like forest cover types."""

    def samples() -> Samples:
        from sklearn.datasets import make_classification

        x, y = make_classification(
            15_000,
            54,
            n_informative=20,
            n_redundant=10,
            n_classes=7,
            n_clusters_per_class=4,
            class_sep=1.5,
            random_state=0,
        )
        x = (x - x[:10_000].mean(0)) / x[:10_000].std(0)
        return shuffled_parts(x.astype("float32"), y.astype("int32"), 10_000, 5_000)

    return Case("clusters", samples, lambda seed: mlp(64, inputs=54, classes=7, seed=seed), epochs=20)


def curve() -> Case:
    """Friedman's first function of ten numbers, of which five matter, with noise; its values have variance 1."""

    def samples() -> Samples:
        from sklearn.datasets import make_friedman1

        x, y = make_friedman1(6_000, 10, noise=1.0, random_state=0)
        y = (y - y.mean()) / y.std()
        return shuffled_parts(x.astype("float32"), y[:, None].astype("float32"), 4_000, 2_000)

    return Case("regression", samples, lambda seed: mlp(64, inputs=10, classes=1, seed=seed), epochs=40, numbers=True)


def addition() -> Case:
    """a + b modulo 31, from four fifths of all pairs; with weight decay, without which no network finds the rule."""

    def samples() -> Samples:
        pairs = np.stack(np.meshgrid(range(PRIME), range(PRIME)), -1).reshape(-1, 2).astype("int32")
        training = 4 * len(pairs) // 5
        return shuffled_parts(pairs, pairs.sum(1) % PRIME, training, len(pairs) - training)

    def network(seed: int) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((2,), dtype="int32"),
                embedding(PRIME, 32, seed),
                keras.layers.Flatten(),
                started(keras.layers.Dense, seed, 0, 128, activation="relu", name="hidden"),
                started(keras.layers.Dense, seed, 1, PRIME, name="logits"),
            ]
        )

    return Case("addition", samples, network, epochs=400, weight_decay=0.3)
