"""Function transformations and random numbers that Keras does not have: the one place that asks which backend runs.

Every backend file defines the same names with the same meaning; `_jax.py` documents them. Keras and its backend are
imported with the first that is used.
"""

from importlib import import_module
from typing import Any

from keras_selfmodel.transforms._network import LibraryLoss, Network

FUNCTIONAL_OPTIMIZERS: Any
add_scaled_in_place: Any
after: Any
IGNORES_WRONG_LABELS: Any
KEEPS_WEIGHTS_BY_PATH: Any
StepPlayer: Any
compile_options: Any
data_parallel: Any
devices: Any
float32_products: Any
is_of_batching: Any
is_traced: Any
jit: Any
key_from_numpy: Any
key_to_numpy: Any
keys_joined: Any
keys_parted: Any
map_chains: Any
leaves: Any
model_parallel: Any
network: Any
normals: Any
normals_of_each: Any
put_rows_in_place: Any
random_key: Any
replicas: Any
scan: Any
seeded: Any
sum_over_replicas: Any
value_and_grad: Any

__all__ = [
    "FUNCTIONAL_OPTIMIZERS",
    "IGNORES_WRONG_LABELS",
    "KEEPS_WEIGHTS_BY_PATH",
    "LibraryLoss",
    "Network",
    "StepPlayer",
    "add_scaled_in_place",
    "after",
    "compile_options",
    "data_parallel",
    "devices",
    "float32_products",
    "is_of_batching",
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
    "seeded",
    "sum_over_replicas",
    "value_and_grad",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import keras

    backend = import_module(f"{__name__}._{keras.config.backend()}")
    globals()[name] = found = getattr(backend, name)
    return found
