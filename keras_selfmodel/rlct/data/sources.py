"""What `fit` takes, read into `Samples`."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypedDict, TypeVar

import keras
import numpy as np

from keras_selfmodel._numbers import real_number, whole_number
from keras_selfmodel.models._labels import checked_class_weight
from keras_selfmodel.rlct.data import TrainingData
from keras_selfmodel.rlct.data.arrays import as_arrays, as_weights
from keras_selfmodel.rlct.data.gathering import gathered
from keras_selfmodel.rlct.data.samples import MEMORY_LIMIT, Samples
from keras_selfmodel.transforms.tensors import Tree

T = TypeVar("T")

# Batches that no data set has, but one that is repeated for ever.
ENDLESS = 2**53
# So many lengths of arrays an error lists.
_SHOWN = 8


class Reading(TypedDict, total=False):
    """What `**reading` may hold: keywords of `samples_of`."""

    num_samples: int | None
    class_weight: Mapping[int, float] | None
    memory_limit: float


def checked_memory_limit(limit: Any) -> float:
    """Bytes, as a float of Python; no limit is infinity."""
    return real_number("memory_limit", limit, "a number of bytes above 0", lambda limit: limit > 0)


def samples_of(
    data: TrainingData,
    *,
    num_samples: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    memory_limit: float = MEMORY_LIMIT,
) -> Samples:
    """Reads data as `fit` would, once.

    Args:
        data: `(x, y)` or `(x, y, sample_weight)` of arrays, tensors or tables, each or dicts or lists of them; or a
            batched data set that can be read again: `tf.data.Dataset`, PyTorch's `DataLoader`,
            `keras.utils.PyDataset`, a data set or loader of grain, or another iterable of batches.
        num_samples: Samples to take, from the first on; `None`: all.
        class_weight: Weight of each class, as `fit` takes it.
        memory_limit: Bytes up to which data are held in memory. A data set that has more is written to a temporary
            file while it is read, so that samples can be drawn at random.

    Raises:
        ValueError: If the data cannot be read so, have no labels, or do not fit each other.
    """
    if num_samples is not None:
        num_samples = whole_number("num_samples", num_samples, 3)
    memory_limit = checked_memory_limit(memory_limit)
    if isinstance(data, Samples):
        samples = data
    elif isinstance(data, (tuple, list)):
        samples = _of_arrays(data, num_samples, memory_limit)
    else:
        with _generators_left_alone(data):
            samples = gathered(_batches(data, num_samples), num_samples, memory_limit)
    if samples.num_samples < 3:
        raise ValueError(f"n/ln n needs at least 3 samples. Received: {samples.num_samples}")
    if class_weight is not None:
        class_weight = checked_class_weight(class_weight)
        if min(class_weight.values(), default=0) < 0:
            raise ValueError(f"class_weight must not be negative. Received: class_weight={class_weight!r}")
        if samples.weights is not None:
            raise ValueError("Pass either sample weights or class_weight, as to fit. Received: both")
        weights = _weights_of_classes(samples.y, class_weight)
        samples = Samples(samples.x, samples.y, weights, samples.memory_limit)
    for weights in [] if samples.weights is None else keras.tree.flatten(samples.weights):
        weights = keras.ops.convert_to_numpy(weights)
        if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.max() > 0):
            raise ValueError(
                "Sample weights must be finite and not negative, and not all zero: there would be no loss to measure. "
                f"Received: weights from {weights.min()} to {weights.max()}"
            )
    return samples


def each_observed(observe: Mapping[str, Any] | None, made: Callable[[Any], T]) -> dict[str, T]:
    """What is made of the further data sets of an estimate.

    Raises:
        ValueError: If `observe` is not a dictionary, or one of them does not fit; it is named then.
    """
    if observe is not None and not isinstance(observe, Mapping):
        raise ValueError(
            'observe must be a dictionary of further data sets by name, such as {"test": (x, y)}. '
            f"Received: an object of type {type(observe).__name__}"
        )
    found = {}
    for name, other in (observe or {}).items():
        try:
            found[name] = made(other)
        except ValueError as error:
            raise ValueError(f"observe[{name!r}]: {error}") from error
        except Exception as error:  # A module's own, which no sentence can be put before.
            error.add_note(f"This is about observe[{name!r}].")
            raise
    return found


def check_each(samples: Samples, observed: Mapping[str, Samples], check: Callable[[Samples], None]) -> None:
    """Checks data, and the further data sets, which an error names."""
    check(samples)
    each_observed(observed, check)


def _of_arrays(data: Sequence, num_samples: int | None, memory_limit: float) -> Samples:
    if len(data) not in (2, 3):
        raise ValueError(
            "data must be (x, y) or (x, y, sample_weight), the arrays the model was trained on, or a data set of "
            f"batches of these. Received: {type(data).__name__} of length {len(data)}"
        )
    x, y, weights = (*data, None)[:3]
    if y is None:
        raise ValueError("data must have labels: (x, y). Received: y=None")
    x, y = as_arrays(x, "x"), as_arrays(y, "y")
    weights = as_weights(weights)
    samples = Samples(x, y, weights, memory_limit)
    _check_lengths({"x": x, "y": y, "sample_weight": weights})
    if num_samples is None:
        return samples
    if num_samples > samples.num_samples:
        raise ValueError(f"num_samples={num_samples} is more than there are. Received: {samples.num_samples} samples")
    first = keras.tree.map_structure(lambda array: array[:num_samples], samples.trees)
    return replace(Samples(*first), memory_limit=memory_limit)


def _check_lengths(trees: dict[str, Tree]) -> None:
    """Raises ValueError unless all arrays have as many entries."""
    lengths = {name: list(map(len, keras.tree.flatten(tree))) for name, tree in trees.items() if tree is not None}
    if len({length for of_one in lengths.values() for length in of_one}) != 1:
        found = ", ".join(f"{name} {_in_short(of_one)}" for name, of_one in lengths.items())
        lists = [name for name, tree in trees.items() if isinstance(tree, (list, tuple)) and len(tree) > _SHOWN]
        hint = "".join(f" A list of arrays is one of inputs or outputs: pass np.stack({name})." for name in lists)
        raise ValueError(
            f"{' and '.join(lengths)} must have one entry for each sample.{hint} Received: lengths {found}"
        )


def _in_short(lengths: list[int]) -> str:
    if len(lengths) <= _SHOWN:
        return " and ".join(map(str, lengths))
    return f"{' and '.join(map(str, lengths[:_SHOWN]))} … of {len(lengths)} arrays"


def _batches(data: Any, num_samples: int | None) -> Iterator:
    """The batches of one pass over a data set, as it yields them."""
    number: float
    if isinstance(data, keras.utils.PyDataset):
        number = math.inf if data.num_batches is None else data.num_batches
        batches = (data[i] for i in range(data.num_batches or ENDLESS))
    elif hasattr(data, "as_numpy_iterator"):  # tf.data, without a need for TensorFlow here
        number = int(data.cardinality())
        number = math.inf if number == -1 else number  # tf.data.INFINITE_CARDINALITY; unknown is −2
        batches = data.as_numpy_iterator()
    elif isinstance(data, (np.ndarray, str, bytes, Mapping)) or keras.ops.is_tensor(data) or hasattr(data, "to_numpy"):
        raise ValueError(
            "data must be (x, y) or (x, y, sample_weight), the arrays the model was trained on, or a data set of "
            f"batches of these. Received: data of type {type(data).__name__}"
        )
    elif hasattr(data, "__getitem__") and type(data).__module__ != "builtins" and not hasattr(data, "__iter__"):
        raise ValueError(
            "data must be (x, y) or a data set of batches, and this is one of single samples. Read it in batches, "
            "torch.utils.data.DataLoader(data, batch_size=…), or collect it into arrays. "
            f"Received: data of type {type(data).__name__}"
        )
    elif not hasattr(data, "__iter__") or iter(data) is data:
        raise ValueError(
            "data must be (x, y) or a data set of batches that can be read again: a generator or an iterator cannot, "
            "and has no known number of samples. Collect it into arrays, or wrap it in a keras.utils.PyDataset. "
            f"Received: data of type {type(data).__name__}"
        )
    else:
        try:
            number = len(data)
        except TypeError:  # It has none; it ends where it ends.
            number = 0
        batches = iter(data)
    if number > ENDLESS and num_samples is None:
        raise ValueError(
            "The data set has no end, and n must be known. Leave out repeat(), or pass num_samples. "
            f"Received: data of type {type(data).__name__}"
        )
    return batches


def _weights_of_classes(y: Tree, class_weight: Mapping[int, float]) -> np.ndarray:
    """The weight of each sample's class, 1 where none is given; one-hot labels are classes too."""
    if keras.tree.is_nested(y):
        y = keras.tree.flatten(y)
        if len(y) > 1:
            raise ValueError("class_weight is for models with one output. Pass sample weights.")
        (y,) = y
    y = keras.ops.convert_to_numpy(y)
    if y.ndim > 2:
        raise ValueError(f"class_weight needs one class for each sample. Received: y of shape {y.shape}")
    if y.ndim == 2:
        if y.shape[-1] > 1 and y.max() > 1:
            raise ValueError(
                "class_weight needs one class for each sample, and these labels have several. Pass sample weights, as "
                f"Keras needs too. Received: y of shape {y.shape} with labels up to {y.max()}"
            )
        y = y.argmax(axis=-1) if y.shape[-1] > 1 else y[:, 0]
    classes, places = np.unique(np.round(y).astype(np.int64), return_inverse=True)
    return np.array([class_weight.get(int(c), 1.0) for c in classes], keras.config.floatx())[places]


@contextmanager
def _generators_left_alone(data: TrainingData) -> Iterator[None]:
    """PyTorch's loaders draw a seed from its global generator each time they are read, even without shuffling."""
    if not type(data).__module__.startswith("torch."):
        yield
        return
    from keras_selfmodel._internals.torch import random_numbers_left_alone

    with random_numbers_left_alone():
        yield
