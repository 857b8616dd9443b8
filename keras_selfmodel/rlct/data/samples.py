"""Samples by their numbers, in memory or in files."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

import keras
import numpy as np

# Bytes of data that are copied to the device as a whole.
MEMORY_LIMIT = 4 * 2**30
# Bytes of data that go to the device in one call, where not all are there.
BYTES_PER_CALL = 2**29


@dataclass(frozen=True)
class Samples:
    """Inputs, labels and weights, one row of each for each sample.

    Attributes:
        x: Inputs, a tree of arrays.
        y: Labels, a tree of arrays; `None` where `x` is all there is.
        weights: Sample weights, a tree of arrays, or `None`.
        memory_limit: Bytes up to which the data lie on the device.
    """

    x: Any
    y: Any = None
    weights: Any = None
    memory_limit: float = MEMORY_LIMIT

    @property
    def trees(self) -> tuple:
        """`(x, y, weights)`, without those that are `None`."""
        return tuple(tree for tree in (self.x, self.y, self.weights) if tree is not None)

    @property
    def arrays(self) -> list:
        """All arrays: of NumPy, or tensors of the backend where the user passed these."""
        return keras.tree.flatten(self.trees)

    @property
    def num_samples(self) -> int:
        return len(self.arrays[0])

    @property
    def resident(self) -> bool:
        """Whether all data lie on the device; else each batch is brought there."""
        return self._bytes <= self.memory_limit

    @property
    def _bytes(self) -> int:
        return sum(math.prod(a.shape) * np.dtype(_name(a.dtype)).itemsize for a in self.arrays)

    def rows(self, indices: np.ndarray) -> tuple:
        """The samples of these numbers, as `trees`.

        Args:
            indices: Numbers; their shape takes the place of the first axis of each array.
        """

        def taken(array):
            if not isinstance(array, np.ndarray):
                array = keras.ops.convert_to_numpy(array)
            return array[indices]

        return tuple(keras.tree.map_structure(taken, tree) for tree in self.trees)

    def first(self, number: int) -> tuple:
        """Some samples, as `trees` of NumPy arrays."""
        return tuple(keras.tree.map_structure(lambda a: keras.ops.convert_to_numpy(a[:number]), t) for t in self.trees)

    def steps_per_call(self, samples: int) -> int:
        """How many steps, each of this many samples, can be moved to the device at once; at least 1."""
        return max(1, int(BYTES_PER_CALL * self.num_samples / (self._bytes * samples)))


def _name(dtype: Any) -> str:
    # bfloat16, which NumPy does not know, is as large as float16.
    return keras.backend.standardize_dtype(dtype).replace("bfloat16", "float16")


TrainingData: TypeAlias = Union[Iterable[Any], "keras.utils.PyDataset", Samples]
"""What `fit` takes: `(x, y)` or `(x, y, sample_weight)`, or a data set of batches; `samples_of` reads it."""
