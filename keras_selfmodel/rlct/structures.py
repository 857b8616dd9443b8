"""Structures of arrays as lists of arrays."""

from collections.abc import Callable

import keras

from keras_selfmodel import transforms
from keras_selfmodel.transforms.tensors import Tree


def flattened(structure: Tree) -> tuple[list, Callable]:
    """The arrays of a structure, in the order in which it holds them, and what puts others in their place.

    The order of a dict is that of its insertion: it decides which noise each array gets.

    Args:
        structure: Arrays in dicts, lists and tuples, and on JAX in any registered tree.

    Example:

    >>> arrays, rebuild = flattened({"kernel": 1.0, "bias": [2.0, None]})
    >>> arrays, rebuild([3.0, 4.0])
    ([1.0, 2.0], {'kernel': 3.0, 'bias': [4.0, None]})
    """
    if not isinstance(structure, (dict, list, tuple)):
        arrays, rebuild = transforms.leaves(structure)
        return [a.value if isinstance(a, keras.Variable) else a for a in arrays], rebuild
    values = list(structure.values()) if isinstance(structure, dict) else list(structure)
    parts = [flattened(value) for value in values]

    def rebuild_all(arrays: list):
        left = iter(arrays)
        rebuilt = [rebuild([next(left) for _ in leaves]) for leaves, rebuild in parts]
        if isinstance(structure, dict):
            return dict(zip(structure, rebuilt, strict=True))
        return type(structure)(*rebuilt) if hasattr(structure, "_fields") else type(structure)(rebuilt)

    return [array for leaves, _ in parts for array in leaves], rebuild_all
