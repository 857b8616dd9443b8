"""Batches of texts as the words that occur in them, and how often: what a mean of embeddings depends on.

A batch of 64 reviews has 17,000 tokens, but only 3,600 different words. The mean of the embeddings of each text is the
product of a matrix of frequencies, texts by words, with the rows of the embedding that belong to these words; only
they have a gradient.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from keras import ops

from keras_selfmodel.transforms.tensors import Tensor


@dataclass(frozen=True)
class WordBatch:
    """One batch.

    Attributes:
        words: The different tokens, int32.
        texts: The number of a text of the batch, for each entry of the matrix that is not zero.
        columns: The place of a word in `words`, likewise.
        frequencies: How often the word occurs in the text, as a part of the text's tokens; float32.
        labels: Class of each text.
    """

    words: np.ndarray
    texts: np.ndarray
    columns: np.ndarray
    frequencies: np.ndarray
    labels: np.ndarray


def word_batches(texts: Sequence[np.ndarray], labels: np.ndarray, batch_size: int) -> list[WordBatch]:
    """Cuts texts into batches in their order; the last one may be smaller.

    Args:
        texts: Tokens of each text.
        labels: Class of each text.
        batch_size: Texts of a batch.

    Example:

    >>> (batch,) = word_batches([np.array([7, 2, 7, 7]), np.array([2])], np.array([0, 1]), batch_size=2)
    >>> batch.words, batch.texts, batch.columns, batch.frequencies.tolist()
    (array([2, 7]), array([0, 0, 1]), array([0, 1, 0]), [0.25, 0.75, 1.0])
    """
    starts = range(0, len(labels), batch_size)
    return [word_batch(texts[start : start + batch_size], labels[start : start + batch_size]) for start in starts]


def word_batch(texts: Sequence[np.ndarray], labels: np.ndarray) -> WordBatch:
    """One batch; arguments as for `word_batches`."""
    lengths = np.array([len(text) for text in texts])
    words, columns = np.unique(np.concatenate(list(texts)), return_inverse=True)
    of_text = np.repeat(np.arange(len(texts)), lengths)
    counts = np.bincount(of_text * len(words) + columns, minlength=len(texts) * len(words))
    counts = counts.reshape(len(texts), len(words))
    rows, columns = np.nonzero(counts)
    return WordBatch(words, rows, columns, (counts[rows, columns] / lengths[rows]).astype(np.float32), labels)


def stacked(
    batches: Iterable[WordBatch], width: int, vocabulary_size: int, entries: int | None = None
) -> list[tuple[np.ndarray, ...]]:
    """Arrays for a loop over batches: one stack for the full batches, one for a smaller last one.

    Args:
        batches: Batches.
        width: Words of each batch afterwards, at least the most that one has. Words that do not occur in the batch
            fill it up, so that all are different; their frequency is zero.
        vocabulary_size: Number of different tokens.
        entries: Entries of each batch afterwards, at least the most that one has, which is the default.

    Returns:
        For each stack of `b` batches of `t` texts: words `(b, width)`; the places of the entries in the flattened
        matrix `(b, entries)`, `t · width` where there is none; frequencies `(b, entries)`; labels `(b, t)`.
    """
    stacks: list[tuple[np.ndarray, ...]] = []
    for size, equal in groupby(batches, key=lambda batch: len(batch.labels)):
        group = list(equal)
        length = entries or max(len(batch.frequencies) for batch in group)
        words = np.empty((len(group), width), np.int32)
        places = np.full((len(group), length), size * width, np.int32)
        frequencies = np.zeros((len(group), length), np.float32)
        for row, batch in enumerate(group):
            absent = np.ones(vocabulary_size, bool)
            absent[batch.words] = False
            words[row] = np.concatenate([batch.words, np.flatnonzero(absent)[: width - len(batch.words)]])
            places[row, : len(batch.frequencies)] = batch.texts * width + batch.columns
            frequencies[row, : len(batch.frequencies)] = batch.frequencies
        stacks.append((words, places, frequencies, np.stack([batch.labels for batch in group])))
    return stacks


def frequency_matrix(places: Tensor, frequencies: Tensor, texts: int, width: int) -> Tensor:
    """The matrix of a batch of a stack, `(texts, width)`; its product with the rows of the words is the mean.

    Args:
        places: Places of the entries in the flattened matrix, `(entries,)`.
        frequencies: The entries.
        texts: Texts of the batch.
        width: Words of the batch.
    """
    # Entries that fill up the stack lie one place behind the end.
    flat = ops.scatter_update(ops.zeros((texts * width + 1,)), places[:, None], frequencies)
    return ops.reshape(flat[:-1], (texts, width))
