"""The MNIST network of the paper."""

import keras

from keras_selfmodel._numbers import whole_number
from keras_selfmodel.models._dense_layers import dense


def mlp(
    hidden: int = 512, *, inputs: int = 784, classes: int = 10, batch_norm: bool = False, seed: int | None = None
) -> keras.Sequential:
    """One hidden ReLU layer and one linear layer of class scores.

    Args:
        hidden: Units of the hidden layer, named "hidden".
        inputs: Length of an input vector.
        classes: Number of classes; the last layer, "logits", has one score for each.
        batch_norm: Whether batch normalization stands before the ReLU, which is then layer "hidden"; the weights in
            front of it start the same, and have no bias.
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
    sizes = {"hidden": hidden, "inputs": inputs, "classes": classes}
    hidden, inputs, classes = (whole_number(name, size, 1) for name, size in sizes.items())

    hidden_layers = [dense(hidden, inputs, seed, 0, activation="relu", name="hidden")]
    if batch_norm:
        hidden_layers = [
            dense(hidden, inputs, seed, 0, use_bias=False, name="hidden_linear"),
            keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="hidden_norm"),
            keras.layers.ReLU(name="hidden"),
        ]
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            *hidden_layers,
            dense(classes, hidden, seed, 1, name="logits"),
        ],
        name="mlp",
    )
