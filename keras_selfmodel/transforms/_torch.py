"""Transformations on PyTorch. `_jax.py` says what each name means."""

from collections.abc import Callable

import keras
import numpy as np
import torch

# Keras accepts no other number on PyTorch.
COMPILE_OPTIONS = {}

FUNCTIONAL_OPTIMIZERS = True


def devices() -> list[str]:
    if torch.cuda.is_available():
        return [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return ["mps"] if torch.backends.mps.is_available() else ["cpu"]


def replicas() -> int:
    return 1


def data_parallel(devices: int):
    raise NotImplementedError("Keras trains a network on one device alone on PyTorch. Take JAX or TensorFlow.")


def model_parallel(divided: dict[str, tuple], devices: int, replicas: int):
    raise NotImplementedError("Keras divides the weights of a network among devices on JAX alone.")


def value_and_grad(function: Callable) -> Callable:
    differentiated = torch.func.grad_and_value(function, has_aux=True)

    def value_first(*args):
        gradients, (value, aux) = differentiated(*args)
        return (value, aux), gradients

    return value_first


def jit(function: Callable, *, fuse: bool = False) -> Callable:
    # torch.compile takes over a minute for what is saved here in seconds; the loop runs eagerly.
    return torch.no_grad()(function)


def map_chains(function: Callable, *, separately: bool = False) -> Callable:
    def one_after_another(*args):
        chains = keras.tree.flatten(args)[0].shape[0]
        slices = [keras.tree.map_structure(lambda a, chain=chain: a[chain], args) for chain in range(chains)]
        return keras.tree.map_structure(lambda *results: torch.stack(results), *(function(*s) for s in slices))

    if separately:
        return one_after_another
    together, supported = torch.func.vmap(function), True

    def mapped(*args):
        nonlocal supported
        if supported:
            try:
                return together(*args)
            except RuntimeError as error:
                # PyTorch cannot batch some operations, such as the change of memory format in Keras's convolutions.
                if "vmap" not in str(error):
                    raise
                supported = False
        return one_after_another(*args)

    return mapped


def scan(function: Callable, carry, inputs):
    outputs = []
    for step in range(keras.tree.flatten(inputs)[0].shape[0]):
        carry, output = function(carry, keras.tree.map_structure(lambda a, step=step: a[step], inputs))
        outputs.append(output)
    return carry, torch.stack(outputs)


def put_rows(table, numbers, rows):
    # A quarter of the time of index_add_.
    table[numbers.long()] = rows
    return table


def add_scaled(y, scale, x):
    return y.addcmul_(x, scale)


def random_key(seed: int) -> torch.Generator:
    return torch.Generator(device=keras.ops.zeros(()).device).manual_seed(seed)


def key_to_numpy(key: torch.Generator) -> np.ndarray:
    return key.get_state().numpy()


def key_from_numpy(data: np.ndarray) -> torch.Generator:
    key = random_key(0)
    key.set_state(torch.from_numpy(data))
    return key


def normals(key: torch.Generator, arrays: list):
    return key, (torch.randn(a.shape, generator=key, dtype=a.dtype, device=a.device) for a in arrays)


def keys_joined(keys: list) -> list:
    return list(keys)


def keys_parted(joined: list) -> list:
    return list(joined)


def normals_of_each(joined: list, arrays: list):
    parts = zip(*(a.chunk(len(joined)) for a in arrays), strict=True)
    drawn = [normals(key, part)[1] for key, part in zip(joined, parts, strict=True)]
    return joined, (torch.cat(same) for same in zip(*drawn, strict=True))
