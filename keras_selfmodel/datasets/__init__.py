"""MNIST, CIFAR-10, IMDB and custom data as one small type."""

from typing import TYPE_CHECKING

from keras_selfmodel._lazy_room import lazily

if TYPE_CHECKING:
    from keras_selfmodel.datasets.any_tfds import read_any_tfds
    from keras_selfmodel.datasets.array_file import read_array_file
    from keras_selfmodel.datasets.arrays import from_arrays
    from keras_selfmodel.datasets.catalog import DatasetStatus, find
    from keras_selfmodel.datasets.dataset import Dataset
    from keras_selfmodel.datasets.disturbing import disturbed
    from keras_selfmodel.datasets.errors import (
        DataCorruptedError,
        DataNotFoundError,
        MissingPackageError,
        SubsetWarning,
    )
    from keras_selfmodel.datasets.image_folder import read_image_folder
    from keras_selfmodel.datasets.limiting import limited
    from keras_selfmodel.datasets.loading import load
    from keras_selfmodel.datasets.model_inputs import inputs_of
    from keras_selfmodel.datasets.preparing import prepare
    from keras_selfmodel.datasets.tokenizing import PADDING, UNKNOWN, padded, tokenize, vocabulary_size
    from keras_selfmodel.datasets.validation import with_validation

__all__ = [
    "PADDING",
    "UNKNOWN",
    "DataCorruptedError",
    "DataNotFoundError",
    "Dataset",
    "DatasetStatus",
    "MissingPackageError",
    "SubsetWarning",
    "disturbed",
    "find",
    "from_arrays",
    "inputs_of",
    "limited",
    "load",
    "padded",
    "prepare",
    "read_any_tfds",
    "read_array_file",
    "read_image_folder",
    "tokenize",
    "vocabulary_size",
    "with_validation",
]

__getattr__, __dir__ = lazily(__name__)
