"""Data and network of digits.toml: the 1,797 images of digits that scikit-learn ships, 8 × 8 pixels."""

import keras
from sklearn.datasets import load_digits


def load():
    """x_train, y_train, x_test, y_test."""
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8, 1) / 8 - 1  # 0 … 16 becomes −1 … 1
    return x[:1400], y[:1400], x[1400:], y[1400:]


def build(input_shape, classes, hidden):
    """A small convolutional network. Its weights follow the recipe's seed, which is set before this is called."""
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(8, 3, activation="relu", name="convolution"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(hidden, activation="relu", name="hidden"),
            keras.layers.Dense(classes, name="logits"),  # raw scores: no softmax
        ]
    )
