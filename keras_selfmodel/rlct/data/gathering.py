"""Batches put together: in memory, or in temporary files where they are too large for it."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

import keras
import numpy as np

from keras_selfmodel.rlct.data.arrays import as_arrays, as_weights
from keras_selfmodel.rlct.data.samples import Samples


def gathered(batches: Iterator, num_samples: int | None, memory_limit: float) -> Samples:
    """Reads batches to their end.

    Args:
        batches: Batches `(x, y)` or `(x, y, sample_weight)`.
        num_samples: Samples after which reading ends; `None`: all.
        memory_limit: Bytes held in memory; the rest is written to files that are deleted with the samples.
    """
    columns: list[_Column] = []
    try:
        return _gathered(batches, num_samples, memory_limit, columns)
    finally:
        for column in columns:
            column.close()


def _gathered(batches: Iterator, num_samples: int | None, memory_limit: float, columns: list["_Column"]) -> Samples:
    structure, places, found = None, None, 0
    for batch in batches:
        trees = _trees(batch)
        if structure is None:
            structure, places = trees, _places(trees)
            columns.extend(_Column() for _ in keras.tree.flatten(trees))
        left = None if num_samples is None else num_samples - found
        arrays = [keras.ops.convert_to_numpy(array[:left]) for array in keras.tree.flatten(trees)]
        lengths = sorted({len(array) for array in arrays})
        if _places(trees) != places or len(lengths) != 1:
            raise ValueError(
                "Each batch must have the same x and y (and sample weights), with one entry for each of its samples. "
                "Received: "
                f"a batch of shapes {[array.shape for array in arrays]}"
            )
        for column, array in zip(columns, arrays, strict=True):
            column.add(array)
        found += lengths[0]
        if sum(column.held for column in columns) > memory_limit:
            for column in columns:
                column.spill()
        if found == num_samples:
            break
    if structure is None:
        raise ValueError("The data set has no batches.")
    if num_samples is not None and found < num_samples:
        raise ValueError(f"num_samples={num_samples} is more than there are. Received: {found} samples")
    whole = keras.tree.pack_sequence_as(structure, [column.whole(found) for column in columns])
    return replace(Samples(*whole), memory_limit=memory_limit)


class _Column:
    """One array of all batches.

    Attributes:
        held: Its bytes in memory.
    """

    def __init__(self) -> None:
        self.held = 0
        self._parts: list[np.ndarray] = []
        self._first: np.ndarray | None = None
        self._file: IO[bytes] | None = None

    def add(self, array: np.ndarray) -> None:
        if self._first is None:
            self._first = array
        if array.shape[1:] != self._first.shape[1:]:
            raise ValueError(
                "All samples must have the same shape: pad them to one length. Received: batches of shapes "
                f"{self._first.shape} and {array.shape}"
            )
        # A loader may fill the same array again for the next batch.
        self._parts.append(np.array(array, self._first.dtype))
        self.held += self._parts[-1].nbytes

    def spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()
        try:
            for part in self._parts:
                self._file.write(part.tobytes())
            self._file.flush()
        except OSError as error:
            raise OSError(
                error.errno,
                f"The data are larger than memory_limit, and could not be written to {tempfile.gettempdir()} "
                f"({error.strerror}). Set TMPDIR to a folder with more room, or take fewer with num_samples",
            ) from error
        self._parts, self.held = [], 0

    def whole(self, rows: int) -> np.ndarray:
        if self._file is None or self._first is None:
            return np.concatenate(self._parts)
        self.spill()
        return np.memmap(self._file, self._first.dtype, mode="r", shape=(rows, *self._first.shape[1:]))

    def close(self) -> None:
        """Gives the file up; what is mapped into memory keeps it on the disk for as long as it is used."""
        if self._file is not None:
            self._file.close()


def _places(trees: tuple) -> list[tuple]:
    return [path for path, _ in keras.tree.flatten_with_path(trees)]


def _trees(batch: Any) -> tuple:
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3) or batch[1] is None:
        kind = f"a {type(batch).__name__} of {len(batch)}" if isinstance(batch, (tuple, list)) else type(batch).__name__
        raise ValueError(f"Each batch must be (x, y) or (x, y, sample_weight). Received: {kind}")
    x, y, weights = (*batch, None)[:3]
    try:
        trees = (as_arrays(x, "x"), as_arrays(y, "y"))
    except ValueError as error:
        single = any(np.ndim(leaf) == 0 for leaf in keras.tree.flatten((x, y)))
        hint = "; group single samples into batches first" if single else ""
        raise ValueError(f"{error} (in a data set of batches{hint})") from error
    weights = as_weights(weights)
    return trees if weights is None else (*trees, weights)
