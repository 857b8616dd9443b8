"""The MNIST network of the paper."""

import keras

from keras_selfmodel.models._dense import dense


def mlp(hidden: int = 512, *, inputs: int = 784, classes: int = 10, seed: int | None = None) -> keras.Sequential:
    """One hidden ReLU layer and one linear layer of class scores.

    Args:
        hidden: Units of the hidden layer, named "hidden".
        inputs: Length of an input vector.
        classes: Number of classes; the last layer, "logits", has one score for each.
        seed: Fixes the initial weights, the same on every backend; `None` draws them anew.

    Returns:
        A built `keras.Sequential`, not compiled.

    Raises:
        ValueError: If a size is not positive.

    Reference:
        arXiv 2407.10188, MNIST experiment.

    Example:

    >>> mlp(64, seed=1).count_params()
    50890
    """
    for name, size in {"hidden": hidden, "inputs": inputs, "classes": classes}.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1. Received: {name}={size}")

    return keras.Sequential(
        [
            keras.Input((inputs,)),
            dense(hidden, inputs, seed, 0, activation="relu", name="hidden"),
            dense(classes, hidden, seed, 1, name="logits"),
        ],
        name="mlp",
    )
