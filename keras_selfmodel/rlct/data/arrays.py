"""Arrays of any library as NumPy arrays that a network can compute with."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np

from keras_selfmodel.transforms.tensors import Tree


def as_arrays(tree: Tree, name: str) -> Tree:
    """A tree of arrays, tables or tensors as the same tree of NumPy arrays, or of the backend's tensors.

    Floating-point numbers get Keras's float type, as in `fit`; whole numbers keep theirs. Tensors of the backend stay
    where they are, so that several networks can share them.

    Args:
        tree: Arrays of NumPy, a backend or another library, pandas tables, sparse matrices of SciPy (which become
            dense), lists of numbers; lists, tuples and dicts of these.
        name: What it is, for messages.

    Raises:
        ValueError: If it holds anything else, such as a data set of batches or text.
    """
    if isinstance(tree, dict):
        return {key: as_arrays(value, f"{name}[{key!r}]") for key, value in tree.items()}
    if isinstance(tree, (list, tuple)) and not all(np.isscalar(value) for value in tree):
        if all(isinstance(value, (list, tuple)) for value in tree) and all(map(np.isscalar, keras.tree.flatten(tree))):
            raise ValueError(
                f"{name} must be an array: numbers in nested lists can mean samples or several inputs. Pass "
                f"np.asarray({name}). Received: {name}, {len(tree)} lists of numbers"
            )
        return type(tree)(as_arrays(value, f"{name}[{number}]") for number, value in enumerate(tree))
    array = _as_array(tree, name)
    dtype = keras.backend.standardize_dtype(array.dtype) if keras.ops.is_tensor(array) else array.dtype.name
    if not dtype.startswith(("bool", "int", "uint", "float", "bfloat")):
        raise ValueError(
            f"{name} must hold real numbers; {_remedy(tree, array, name)}. Received: {name} of dtype {dtype}"
        )
    if len(array.shape) == 0:
        raise ValueError(f"{name} must have one entry for each sample. Received: {tree!r}")
    if "float" not in dtype or dtype == keras.config.floatx():
        return array  # As it is: a file that is mapped into memory is not read.
    return (
        keras.ops.cast(array, keras.config.floatx())
        if keras.ops.is_tensor(array)
        else array.astype(keras.config.floatx())
    )


def as_weights(tree: Tree) -> Tree:
    """Sample weights as `as_arrays` has them, without outputs that have none: those of a list by their places in it."""
    if isinstance(tree, (list, tuple)) and any(part is None for part in tree):
        tree = dict(enumerate(tree))
    if isinstance(tree, dict):
        tree = {key: part for key, part in tree.items() if part is not None} or None
    return None if tree is None else as_arrays(tree, "sample_weight")


def _remedy(given: Any, array: Any, name: str) -> str:
    """What to do about an array, or a table that became one, that does not hold numbers."""
    advice = (
        "encode text and categories as numbers first (apply the preprocessing layers of the model, such as "
        "TextVectorization, to the data, and measure the model behind them)"
    )
    if not isinstance(array, np.ndarray) or array.dtype != object:
        return advice
    # Of a table each column, else one that holds all.
    columns = [repr(column) for column in getattr(given, "columns", ())]
    values = array.T if columns else [array.ravel()]
    others = [[value for value in column if not isinstance(value, (Real, np.bool_))] for column in values]
    found = [value for column in others for value in column]
    if not found:
        return f'it is an array of Python objects, though all of them are numbers: pass {name}.astype("float32")'
    if np.ndim(found[0]) > 0:
        return "its samples must have one shape: pad them"
    wrong = [column for column, values in zip(columns, others, strict=False) if values]
    where = f"; not all are numbers in column{'s' * (len(wrong) > 1)} {', '.join(wrong)}" if wrong else ""
    if any(isinstance(value, (str, bytes)) for value in found):
        return advice + where
    return f'replace or leave out what is not a number, such as {found[0]!r}, and pass {name}.astype("float32"){where}'


def _as_array(array: Any, name: str) -> np.ndarray:
    if isinstance(array, keras.Variable):
        return array.value
    if hasattr(array, "row_splits"):  # a RaggedTensor of TensorFlow
        raise ValueError(
            f"{name} must have samples of one shape, and a ragged tensor has none: pass {name}.to_tensor(), which pads "
            f"them. Received: {name} of type {type(array).__name__}"
        )
    if hasattr(array, "dense_shape"):  # a SparseTensor of TensorFlow
        raise ValueError(
            f"{name} must be dense: pass tf.sparse.to_dense({name}). Received: {name} of type {type(array).__name__}"
        )
    if isinstance(array, np.ndarray) or keras.ops.is_tensor(array):
        return array
    if hasattr(array, "toarray"):  # sparse, of SciPy
        return array.toarray()
    if hasattr(array, "to_numpy"):  # pandas, polars
        return np.asarray(array.to_numpy())
    if hasattr(array, "detach"):  # PyTorch's, on another backend
        return np.asarray(array.detach().cpu())
    # NumPy would take samples or batches that are read one by one for rows.
    if not hasattr(array, "__getitem__") or isinstance(array, Sequence) or hasattr(array, "__array__"):
        found = np.asarray(array)
        if found.dtype != object or found.shape:
            return found
    raise ValueError(
        f"{name} must be an array, a tensor or a table, or a list, tuple or dict of these; read data sets and "
        f"generators into arrays first. Received: {name} of type {type(array).__name__}"
    )
