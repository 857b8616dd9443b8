"""The IMDB network of the paper."""

import keras

from keras_selfmodel._numbers import whole_number
from keras_selfmodel.initializers import StandardNormal
from keras_selfmodel.layers import MeanPooledEmbedding
from keras_selfmodel.models._dense_layers import dense


def text_classifier(
    vocabulary_size: int,
    *,
    embedding: int = 64,
    hidden: int = 128,
    classes: int = 2,
    seed: int | None = None,
) -> keras.Sequential:
    """The mean of the embeddings of a text's words, one hidden ReLU layer, and one linear layer of class scores.

    Args:
        vocabulary_size: Number of different tokens. The network takes `(batch, length)` integers, tokens
            0 … vocabulary_size − 1 and behind them −1 as padding.
        embedding: Length of an embedding; the layer of their mean is named "pooled".
        hidden: Units of the hidden layer, named "hidden".
        classes: Number of classes; the last layer, "logits", has one score for each.
        seed: Fixes the initial weights, the same on every backend; `None` draws them anew.

    Returns:
        A built `keras.Sequential`, not compiled.

    Raises:
        ValueError: If a size is not positive.

    Reference:
        arXiv 2407.10188, IMDB experiment.

    Example:

    >>> text_classifier(1000, seed=1).count_params()
    72578
    """
    sizes = {"vocabulary_size": vocabulary_size, "embedding": embedding, "hidden": hidden, "classes": classes}
    vocabulary_size, embedding, hidden, classes = (whole_number(name, size, 1) for name, size in sizes.items())
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            MeanPooledEmbedding(
                vocabulary_size, embedding, StandardNormal(None if seed is None else (seed, 0, 0)), name="pooled"
            ),
            dense(hidden, embedding, seed, 1, activation="relu", name="hidden"),
            dense(classes, hidden, seed, 2, name="logits"),
        ],
        name="text_classifier",
    )
