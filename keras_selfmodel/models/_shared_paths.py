"""Weights that Keras takes for one."""

import warnings
from collections import Counter

import keras

from keras_selfmodel import transforms


def warn_of_shared_paths(weights: list[keras.Variable]) -> None:
    """Warns, from where a model is compiled, of weights that Keras on this backend cannot tell apart."""
    if not transforms.LOSES_WEIGHTS_OF_ONE_PATH:
        return
    times = Counter(weight.path for weight in weights)
    shared = [path for path, count in times.items() if count > 1]
    if shared:
        sentence = (
            f"Several weights are called {', '.join(map(repr, shared))}. Keras tells weights on this backend by their "
            "names: it does not set all of their gradients to zero before a step, and trains them wrongly, in a plain "
            "fit too. Give the layers, or the models that they are in, different names."
        )
        warnings.warn(sentence, UserWarning, stacklevel=3)
