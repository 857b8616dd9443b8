"""MNIST, CIFAR-10 and IMDB as one small type; where the bytes come from is a separate matter."""

from keras_selfmodel.datasets.catalog import DatasetStatus, find
from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.errors import (
    DataCorruptedError,
    DataNotFoundError,
    MissingPackageError,
    SubsetWarning,
)
from keras_selfmodel.datasets.limiting import limited
from keras_selfmodel.datasets.loading import load
from keras_selfmodel.datasets.preparing import prepare
from keras_selfmodel.datasets.tokenizing import PADDING, UNKNOWN, padded, tokenize, vocabulary_size

__all__ = [
    "PADDING",
    "UNKNOWN",
    "DataCorruptedError",
    "DataNotFoundError",
    "Dataset",
    "DatasetStatus",
    "MissingPackageError",
    "SubsetWarning",
    "find",
    "limited",
    "load",
    "padded",
    "prepare",
    "tokenize",
    "vocabulary_size",
]
