"""Labels that no class belongs to, found before they train a network on nonsense."""

import keras
import numpy as np


def check_labels(y, num_classes: int, loss) -> None:
    """Raises ValueError if integer class labels given as an array do not fit the class scores.

    Keras itself is silent on JAX, where an out-of-range label becomes a row of zeros.

    Args:
        y: Labels as passed to `fit`; anything but an array of labels is left to Keras.
        num_classes: Number of class scores.
        loss: The compiled loss; only sparse categorical cross-entropy takes integer labels.
    """
    sparse = isinstance(loss, keras.losses.SparseCategoricalCrossentropy) or loss in (
        "sparse_categorical_crossentropy",
        keras.losses.sparse_categorical_crossentropy,
    )
    if not sparse or y is None or not hasattr(y, "shape") or 0 in y.shape:
        return
    labels = keras.ops.convert_to_numpy(y)
    lowest, highest = labels.min(), labels.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)) or lowest < 0 or highest >= num_classes:
        raise ValueError(
            f"Class labels must lie in 0 … {num_classes - 1}, one for each of the classifier's {num_classes} class "
            f"scores. Received: labels from {lowest} to {highest}"
        )
