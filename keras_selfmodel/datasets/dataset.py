"""The one type that every data set becomes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A classification data set in memory, as raw NumPy arrays.

    Args:
        name: "mnist", "cifar10", "imdb", or a user's name for it.
        x_train: Images as uint8 of shape (examples, height, width, channels); texts as object array of str,
            tokenized ones as object array of int32 arrays.
        y_train: Class numbers, int32.
        x_test: Like `x_train`.
        y_test: Like `y_train`.
        num_classes: How many classes there are.
        source: One line for humans: where the bytes came from.
        digest: SHA-256 (hex) of what was read: two runs with one digest saw the same data.
        is_subset: Whether these are fewer examples than the data set of that name has.

    Example:
        >>> import numpy as np
        >>> x, y = np.zeros((2, 28, 28, 1), "uint8"), np.zeros(2, "int32")
        >>> Dataset("mnist", x, y, x, y, num_classes=10, source="zeros", digest="", is_subset=True)
        Dataset(mnist: 2 train + 2 test examples, 10 classes; zeros)
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    num_classes: int
    source: str
    digest: str
    is_subset: bool

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name}: {len(self.y_train):,} train + {len(self.y_test):,} test examples, "
            f"{self.num_classes} classes; {self.source})"
        )
