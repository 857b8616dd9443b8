"""The samples of a data set as the input of any saved classifier."""

import keras
import numpy as np

from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel.datasets.reshaping import reshaped
from keras_selfmodel.datasets.scaling import scaled
from keras_selfmodel.datasets.tokenizing import padded


def inputs_of(model: keras.Model, x: np.ndarray, *, scaling: str = "symmetric") -> np.ndarray:
    """Images scaled and in the shape that the model takes, or texts of different lengths padded to one array.

    Args:
        model: A classifier with one input.
        x: Samples as a `Dataset` holds them: `(n, ...)` numbers, or `(n,)` arrays of token numbers.
        scaling: Pixel range the model expects, as in `scaling.SCALINGS`. Ignored for texts.

    Returns:
        `(n, ...)` float32 images, or `(n, longest)` int32 tokens.

    Raises:
        ValueError: If the model has several inputs, takes another number of values, or knows fewer tokens.

    Example:

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> inputs_of(model, np.full((1, 2, 2, 1), 255, "uint8")).tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    """
    classifier = classifier_of(model)
    return _tokens(x, classifier) if x.dtype == object else _images(x, classifier, scaling)


def _tokens(texts: np.ndarray, classifier: keras.Model) -> np.ndarray:
    known = {layer.vocabulary_size for layer in classifier.layers if hasattr(layer, "vocabulary_size")}
    needed = 1 + max(int(text.max(initial=0)) for text in texts)
    if known and min(known) < needed:
        raise ValueError(
            f"The network knows {min(known):,} tokens, but the texts have token numbers up to {needed - 1:,}. It was "
            "probably trained on a part of the data, which has fewer: measure it on that part."
        )
    return padded(texts)


def _images(images: np.ndarray, classifier: keras.Model, scaling: str) -> np.ndarray:
    shapes = [tuple(tensor.shape[1:]) for tensor in getattr(classifier, "inputs", None) or []]
    if len(shapes) != 1:
        raise ValueError(
            f"The network must have one input, the image. Received: a network with {len(shapes)} readable inputs."
        )
    return scaled(reshaped(images, shapes[0]), scaling)
