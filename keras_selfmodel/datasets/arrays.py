"""A user's arrays as a data set, once they are checked."""

import hashlib

import numpy as np

from keras_selfmodel.datasets.dataset import Dataset

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def from_arrays(
    name: str, x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, *, source: str
) -> Dataset:
    """A data set of arrays in memory.

    Args:
        name: Name of the data set.
        x_train: Numbers, `(samples, ...)`.
        y_train: Whole numbers `(samples,)`: 0 … classes − 1, each of which occurs.
        x_test: Like `x_train`.
        y_test: Like `y_train`; classes may be missing.
        source: One line for humans: where the arrays came from.

    Returns:
        The data set, with a digest of what the arrays hold.

    Raises:
        ValueError: If an array is not as described above, or holds a NaN or an infinity.

    Example:

    >>> x, y = np.zeros((4, 2), "float32"), np.array([0, 1, 2, 1])
    >>> from_arrays("mine", x, y, x[:1], y[:1], source="zeros")
    Dataset(mine: 4 train + 1 test examples, 3 classes; zeros)
    """
    arrays = {key: np.asarray(a) for key, a in zip(ARRAYS, (x_train, y_train, x_test, y_test), strict=True)}
    for split in ("train", "test"):
        x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
        _check_inputs(f"x_{split}", x, source)
        _check_labels(f"y_{split}", y, source)
        if len(x) != len(y):
            raise ValueError(
                f"x_{split} and y_{split} must be of one length. Received: {len(x)} and {len(y)} ({source})"
            )
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        raise ValueError(
            "Samples of x_train and x_test must be of one shape. Received: "
            f"{arrays['x_train'].shape[1:]} and {arrays['x_test'].shape[1:]} ({source})"
        )
    # Before they become int32, in which a large wrong label would be another.
    classes = _classes(arrays["y_train"], arrays["y_test"], source)
    arrays |= {key: arrays[key].astype(np.int32) for key in ("y_train", "y_test")}
    return Dataset(
        name,
        **arrays,
        num_classes=classes,
        source=source,
        digest=_digest(arrays),
        is_subset=False,
    )


def _check_inputs(name: str, x: np.ndarray, source: str) -> None:
    if x.dtype.kind not in "buif" or x.ndim < 2 or 0 in x.shape:
        raise ValueError(
            f"{name} must hold numbers, of shape (samples, ...), and not be empty. Received: {x.dtype} of shape "
            f"{x.shape} ({source})"
        )
    # The network computes in float32, where large numbers are infinite.
    with np.errstate(over="ignore"):
        bad = np.flatnonzero(~np.isfinite(x.astype(np.float32))) if x.dtype.kind == "f" else np.empty(0, int)
    if len(bad):
        place = ", ".join(str(int(i)) for i in np.unravel_index(bad[0], x.shape))
        raise ValueError(
            f"{name} must be finite in float32. Received: {len(bad)} numbers that are not, the first {name}[{place}] = "
            f"{x.flat[bad[0]]} ({source})"
        )


def _check_labels(name: str, y: np.ndarray, source: str) -> None:
    if y.dtype.kind not in "ui" or y.ndim != 1:
        raise ValueError(
            f"{name} must hold whole numbers, the number of the class of each sample, in shape (samples,). "
            f"Received: {y.dtype} of shape {y.shape} ({source})"
        )
    if len(y) and y.min() < 0:
        raise ValueError(f"{name} must be at least 0, the number of the first class. Received: {y.min()} ({source})")


def _classes(y_train: np.ndarray, y_test: np.ndarray, source: str) -> int:
    known, other = np.unique(y_train), np.unique(y_test)
    classes = int(known[-1]) + 1
    # Not np.arange(classes), which a single wrong label would make huge.
    if len(known) < classes:
        missing = int(np.flatnonzero(known != np.arange(len(known)))[0])
        raise ValueError(
            f"Classes must be numbered from 0, and all occur in y_train. Received: largest number {classes - 1}, but "
            f"{classes - len(known)} of the numbers below it are missing, the first {missing} ({source})"
        )
    if classes < 2:
        raise ValueError(f"y_train must hold at least 2 classes. Received: only class 0 ({source})")
    if other[-1] >= classes:
        raise ValueError(
            f"y_test must hold classes that occur in y_train, 0 to {classes - 1}. Received: {other[-1]} ({source})"
        )
    return classes


def _digest(arrays: dict[str, np.ndarray]) -> str:
    total = hashlib.sha256()
    for name, array in arrays.items():
        # The same on machines of either byte order.
        portable = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        total.update(f"{name} {portable.dtype.str} {portable.shape}\n".encode())
        total.update(portable.tobytes())
    return total.hexdigest()
