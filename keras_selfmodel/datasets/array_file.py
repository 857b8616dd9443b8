"""A user's NumPy file as a data set."""

from pathlib import Path

import numpy as np

from keras_selfmodel._whole_files import why_no_file
from keras_selfmodel.datasets.arrays import ARRAYS, from_arrays
from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.errors import DataCorruptedError, DataNotFoundError


def read_array_file(name: str, file: Path) -> Dataset:
    """Reads x_train, y_train, x_test and y_test from a file that `np.savez` wrote.

    Args:
        name: What the data set is called.
        file: The .npz file.

    Raises:
        DataNotFoundError: If there is no such file.
        DataCorruptedError: If it is not such a file, or lacks an array.
        ValueError: If the arrays are not classification data, see `from_arrays`.
    """
    lack = why_no_file(file)
    if lack:
        raise DataNotFoundError(f"{lack.replace('there', 'There', 1)}.")
    try:
        # Opened here, because np.load leaves a damaged file open. No pickles, which run what a file tells them to.
        with file.open("rb") as opened:
            if not opened.read(6).startswith((b"PK", b"\x93NUMPY")):  # NumPy would take it for a pickle
                raise DataCorruptedError(f"{file} cannot be read as arrays that np.savez wrote: it is no ZIP archive.")
            opened.seek(0)
            stored = np.load(opened, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                raise DataCorruptedError(f"{file} holds one array; np.savez writes files of several, named ones.")
            arrays = {key: _array(stored, key, file) for key in ARRAYS if key in stored.files}
            found = stored.files
    except (DataCorruptedError, MemoryError, PermissionError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy each have their own for a damaged file
        raise DataCorruptedError(f"{file} cannot be read as arrays that np.savez wrote: {error}") from error
    missing = [key for key in ARRAYS if key not in arrays]
    if missing:
        raise DataCorruptedError(
            f"{file} must hold the arrays {', '.join(ARRAYS)}. Missing: {', '.join(missing)}; it holds: "
            f"{', '.join(found) or 'nothing'}."
        )
    return from_arrays(name, **arrays, source=str(file))


def _array(stored: np.lib.npyio.NpzFile, key: str, file: Path) -> np.ndarray:
    try:
        return stored[key]
    except MemoryError as error:
        raise MemoryError(
            f"{file}: {key} does not fit into memory, or its header is damaged: {str(error).removesuffix('.')}."
        ) from error
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise DataCorruptedError(f"{file}: {key} must hold numbers or texts. Received: objects of Python.") from error
