"""Function transformations and random numbers that Keras does not have: the one place that asks which backend runs.

Every backend file defines the same names with the same meaning; `_jax.py` documents them.
"""

from importlib import import_module
from typing import Any

import keras

from keras_selfmodel.transforms._network import Network

_backend: Any = import_module(f"keras_selfmodel.transforms._{keras.config.backend()}")

COMPILE_OPTIONS = _backend.COMPILE_OPTIONS
FUNCTIONAL_OPTIMIZERS = _backend.FUNCTIONAL_OPTIMIZERS
add_scaled_in_place = _backend.add_scaled_in_place
IGNORES_WRONG_LABELS = _backend.IGNORES_WRONG_LABELS
data_parallel = _backend.data_parallel
devices = _backend.devices
float32_products = _backend.float32_products
is_traced = _backend.is_traced
jit = _backend.jit
key_from_numpy = _backend.key_from_numpy
key_to_numpy = _backend.key_to_numpy
keys_joined = _backend.keys_joined
keys_parted = _backend.keys_parted
map_chains = _backend.map_chains
leaves = _backend.leaves
model_parallel = _backend.model_parallel
network = _backend.network
normals = _backend.normals
normals_of_each = _backend.normals_of_each
put_rows_in_place = _backend.put_rows_in_place
random_key = _backend.random_key
replicas = _backend.replicas
scan = _backend.scan
value_and_grad = _backend.value_and_grad

__all__ = [
    "COMPILE_OPTIONS",
    "FUNCTIONAL_OPTIMIZERS",
    "IGNORES_WRONG_LABELS",
    "Network",
    "add_scaled_in_place",
    "data_parallel",
    "devices",
    "float32_products",
    "is_traced",
    "jit",
    "key_from_numpy",
    "key_to_numpy",
    "keys_joined",
    "keys_parted",
    "map_chains",
    "leaves",
    "model_parallel",
    "network",
    "normals",
    "normals_of_each",
    "put_rows_in_place",
    "random_key",
    "replicas",
    "scan",
    "value_and_grad",
]
