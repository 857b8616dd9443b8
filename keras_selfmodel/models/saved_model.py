"""Networks from files."""

import zipfile
from pathlib import Path

import keras

from keras_selfmodel._whole_files import UnreadableFileError, size_of

# What Keras reads a network from.
SUFFIXES = (".keras", ".h5", ".hdf5")


class UnreadableModelError(ValueError):
    """A file does not hold a network that can be read."""


def read_model(file: Path, *, compiled: bool = True) -> keras.Model:
    """The network in a file that `model.save` wrote.

    Args:
        file: The file.
        compiled: Whether it is compiled as it was.

    Raises:
        UnreadableModelError: If the file is missing or damaged, or needs a class that is not registered.
    """
    try:
        size_of(file)
    except FileNotFoundError:
        raise UnreadableModelError("there is no such file") from None
    except UnreadableFileError as error:
        raise UnreadableModelError(str(error)) from error
    if file.suffix not in SUFFIXES:
        raise UnreadableModelError(f"its name must end in {' or '.join(SUFFIXES)}")
    # Keras calls it a file that is not found.
    if file.suffix == ".keras" and not zipfile.is_zipfile(file):
        raise UnreadableModelError("it is not a whole .keras file: cut off, or damaged")
    try:
        return keras.models.load_model(file, compile=compiled)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # zipfile, h5py, json and Keras each have their own for a damaged file
        raise UnreadableModelError(str(error).rstrip(".") or type(error).__name__) from error
