"""Names for what Keras has no types for."""

from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    import equinox
    import flax.nnx
    import keras
    import torch

Tensor: TypeAlias = Any
"""A tensor of the backend that runs, a symbolic one of Keras, or an array that stands for one."""

Tree: TypeAlias = Any
"""Tensors or arrays in dicts, lists and tuples, nested in any way, or one alone."""

Key: TypeAlias = Any
"""The state of a random number generator; see `random_key`."""

AnyModel: TypeAlias = Union["keras.Model", "torch.nn.Module", "equinox.Module", "flax.nnx.Module"]
"""A model of Keras, or of the library that belongs to the backend."""
