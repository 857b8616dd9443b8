"""Texts as numbers of words, by a vocabulary built from the training split."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from keras_selfmodel.datasets import cache
from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.english import basic_english

UNKNOWN = 0
"""The token of every word that is not in the training split."""
PADDING = -1
"""Stands behind the end of a text where texts of different lengths share an array; no token."""


def tokenize(dataset: Dataset) -> Dataset:
    """Turns the texts of a data set into tokens.

    The vocabulary is that of the training split: token 0 is any other word, then come the words, the most frequent
    first and equally frequent ones in the order of their characters. The result is kept in the cache beside the
    decoded data.

    Args:
        dataset: Texts.

    Returns:
        The same data set with, for each text, an int32 array of its tokens; `x_train` and `x_test` are object arrays
        of these.

    Example:

    >>> x, y = np.array(["good film , good cast", "bad film"], dtype=object), np.array([1, 0])
    >>> made_up = Dataset("imdb", x, y, x[::-1], y[::-1], num_classes=2, source="", digest="", is_subset=True)
    >>> [tokens.tolist() for tokens in tokenize(made_up).x_train]
    [[2, 1, 3, 2, 5], [4, 1]]
    """
    # Without a digest nobody can say whether the cache holds the same texts.
    key = f"{dataset.name}-{dataset.digest}-basic_english" if dataset.digest else None
    stored = cache.read(key) if key else None
    if stored is None or set(stored) != {"train", "train_lengths", "test", "test_lengths"}:
        train, numbers = _with_vocabulary(dataset.x_train)
        test = [_array(numbers.get(word, UNKNOWN) for word in basic_english(text)) for text in dataset.x_test]
        stored = {
            "train": np.concatenate(train),
            "train_lengths": _array(map(len, train)),
            "test": np.concatenate(test),
            "test_lengths": _array(map(len, test)),
        }
        if key:
            cache.write(key, stored)
    return replace(
        dataset,
        x_train=_split(stored["train"], stored["train_lengths"]),
        x_test=_split(stored["test"], stored["test_lengths"]),
    )


def vocabulary_size(tokens: Iterable[np.ndarray]) -> int:
    """Number of different tokens, the unknown one included, from the training texts.

    Example:

    >>> vocabulary_size([np.array([2, 1, 3, 2]), np.array([4, 1])])
    5
    """
    return 1 + int(max((text.max() for text in tokens if len(text)), default=UNKNOWN))


def padded(tokens: Iterable[np.ndarray], length: int | None = None) -> np.ndarray:
    """Texts of different lengths in one array, `(texts, length)` int32, padded at the end with `PADDING`.

    Args:
        tokens: An array of tokens for each text.
        length: Length of the longest text, or more; the longest by default.

    Example:

    >>> padded([np.array([2, 1, 3]), np.array([4])])
    array([[ 2,  1,  3],
           [ 4, -1, -1]], dtype=int32)
    """
    tokens = list(tokens)
    array = np.full((len(tokens), length or max(map(len, tokens), default=0)), PADDING, np.int32)
    for row, text in zip(array, tokens, strict=True):
        row[: len(text)] = text
    return array


def _with_vocabulary(texts: Iterable[str]) -> tuple[list[np.ndarray], dict[str, int]]:
    """The tokens of the training texts, and the token of each word."""
    first_seen: defaultdict[str, int] = defaultdict()
    first_seen.default_factory = first_seen.__len__
    tokens = [_array(map(first_seen.__getitem__, basic_english(text))) for text in texts]
    words = list(first_seen)
    counts = np.bincount(np.concatenate(tokens), minlength=len(words))
    order = sorted(range(len(words)), key=lambda number: (-counts[number], words[number]))
    rank = np.empty(len(words), np.int32)
    rank[order] = np.arange(1, len(words) + 1)
    return [rank[text] for text in tokens], dict(zip(words, rank.tolist(), strict=True))


def _array(numbers: Iterable[int]) -> np.ndarray:
    return np.fromiter(numbers, np.int32)


def _split(tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    # Filled one by one: NumPy would make a table of texts that are all of one length.
    texts = np.empty(len(lengths), dtype=object)
    for number, end in enumerate(np.cumsum(lengths)):
        texts[number] = tokens[end - lengths[number] : end]
    return texts
