"""Transformations on PyTorch. `_jax.py` says what each name means."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import torch

from keras_selfmodel._internals.torch import random_numbers_left_alone, recorded
from keras_selfmodel.transforms._torch_network import network as network
from keras_selfmodel.transforms._torch_steps import StepPlayer as StepPlayer
from keras_selfmodel.transforms.tensors import Key, Tensor, Tree

FUNCTIONAL_OPTIMIZERS = True
IGNORES_WRONG_LABELS = False
KEEPS_WEIGHTS_BY_PATH = True

# Calls before recording pays, and the most mapped numbers with which anything is saved; see `_recorded`.
CALLS_BEFORE_RECORDING, MOST_RECORDED = 30, 10**7


def compile_options(model: keras.Model) -> dict[str, Any]:
    return {}


def devices() -> list[str]:
    if torch.cuda.is_available():
        return [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return ["mps"] if torch.backends.mps.is_available() else ["cpu"]


@contextmanager
def float32_products() -> Iterator[None]:
    places: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [place.allow_tf32 for place in places]
    for place in places:
        place.allow_tf32 = False
    try:
        yield
    finally:
        for place, allowed in zip(places, before, strict=True):
            place.allow_tf32 = allowed


def replicas() -> int:
    return 1


def sum_over_replicas(values: list) -> list:
    return values


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    with random_numbers_left_alone():
        torch.manual_seed(int(np.random.default_rng(seed).integers(2**31)))
        yield


def is_of_batching(error: Exception) -> bool:
    return isinstance(error, RuntimeError) and "vmap" in str(error)


def after(value: Tensor, other: Tensor) -> Tensor:
    return value


def is_traced(array: Tensor) -> bool:
    return False


def data_parallel(devices: int) -> None:
    raise NotImplementedError(
        "On PyTorch, Keras trains a network on several devices only from version 3.16 on and in one process for each, "
        "which is not supported here. Take JAX or TensorFlow."
    )


def model_parallel(divided: dict[str, tuple], devices: int, replicas: int) -> None:
    raise NotImplementedError("Keras divides the weights of a network among devices on JAX alone.")


def value_and_grad(function: Callable) -> Callable:
    differentiated, supported = torch.func.grad_and_value(function, has_aux=True), True

    def value_first(*args):
        nonlocal supported
        if supported:
            try:
                gradients, (value, aux) = differentiated(*args)
                return (value, aux), gradients
            except RuntimeError as error:
                # Keras's custom gradients, as of quantized layers, are none that PyTorch can transform.
                if "setup_context" not in str(error):
                    raise
        found = _by_autograd(function, *args)  # vmap refuses it too: `map_chains` takes one chain at a time.
        supported = False
        return found

    return value_first


def _by_autograd(function: Callable, weights: Tree, *args: Any) -> tuple:
    weights = keras.tree.map_structure(lambda w: w.detach().requires_grad_(), weights)
    with torch.enable_grad():
        value, aux = function(weights, *args)
        leaves = keras.tree.flatten(weights)
        if value.requires_grad:
            gradients = list(torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True))
        else:
            gradients = [torch.zeros_like(w) for w in leaves]
    found = keras.tree.map_structure(lambda a: a.detach() if isinstance(a, torch.Tensor) else a, (value, aux))
    return found, keras.tree.pack_sequence_as(weights, gradients)


def jit(function: Callable, *, fuse: bool = False) -> Callable:
    # torch.compile takes over a minute for what is saved here in seconds; the loop runs eagerly.
    return torch.no_grad()(function)


def map_chains(function: Callable, *, separately: bool = False) -> Callable:
    def one_after_another(*args, shared=()):
        chains = keras.tree.flatten(args)[0].shape[0]
        slices = [keras.tree.map_structure(lambda a, chain=chain: a[chain], args) for chain in range(chains)]
        return keras.tree.map_structure(lambda *results: torch.stack(results), *(function(*s, *shared) for s in slices))

    if separately:
        return one_after_another

    def all_at_once(args, shared):
        return torch.func.vmap(lambda *slices: function(*slices, *shared))(*args)

    together, supported = _recorded(all_at_once), True

    def mapped(*args, shared=()):
        nonlocal supported
        if supported:
            try:
                return together(args, shared)
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError:
                # PyTorch cannot batch some operations, such as the change of memory format in Keras's convolutions or
                # what its GRU does in place. Its words for that vary: an error of the function itself comes up below.
                pass
            results = one_after_another(*args, shared=shared)
            supported = False
            return results
        return one_after_another(*args, shared=shared)

    return mapped


def _recorded(function: Callable) -> Callable:
    """The same function of two trees of tensors, which after some calls is played back as a list of operations.

    That leaves out what Keras, vmap and autograd do in Python at each call: half the time of a network of 2,000
    weights, a twenty-fifth with 400,000 (four chains). Unlike torch.compile it takes a tenth of a second. What cannot
    be recorded, as a loss that looks at its values, is called as it is.
    """
    calls: Counter = Counter()
    recordings: dict[tuple, tuple | None] = {}

    def call(*args):
        tensors = keras.tree.flatten(args)
        key = tuple((t.shape, t.stride(), t.dtype, t.device) for t in tensors)
        calls[key] += 1
        if calls[key] <= CALLS_BEFORE_RECORDING or sum(t.numel() for t in keras.tree.flatten(args[0])) > MOST_RECORDED:
            return function(*args)
        if key not in recordings:
            recordings[key] = _record(function, args)
        recording = recordings[key]
        if recording is None:
            return function(*args)
        play, structure = recording
        return keras.tree.pack_sequence_as(structure, play(*tensors))

    return call


def _record(function: Callable, args: tuple) -> tuple | None:
    structure = None

    def flat(*tensors):
        nonlocal structure
        results = function(*keras.tree.pack_sequence_as(args, list(tensors)))
        structure = keras.tree.map_structure(lambda _: 0, results)
        return keras.tree.flatten(results)

    play = recorded(flat, keras.tree.flatten(args))
    return None if play is None else (play, structure)


def scan(function: Callable, carry: Tree, inputs: Tree) -> tuple[Tree, Tensor]:
    outputs = []
    for step in range(keras.tree.flatten(inputs)[0].shape[0]):
        carry, output = function(carry, keras.tree.map_structure(lambda a, step=step: a[step], inputs))
        outputs.append(output)
    return carry, torch.stack(outputs)


def put_rows_in_place(table: Tensor, numbers: Tensor, rows: Tensor) -> Tensor:
    # A quarter of the time of index_add_.
    table[numbers.long()] = rows
    return table


def add_scaled_in_place(y: Tensor, scale: Tensor, x: Tensor) -> Tensor:
    return y.addcmul_(x, scale)


def random_key(seed: int) -> torch.Generator:
    return torch.Generator(device=keras.ops.zeros(()).device).manual_seed(seed)


def key_to_numpy(key: torch.Generator) -> np.ndarray:
    return key.get_state().numpy()


def key_from_numpy(data: np.ndarray) -> torch.Generator:
    key = random_key(0)
    key.set_state(torch.from_numpy(data))
    return key


def normals(key: torch.Generator, arrays: list) -> tuple[Key, Iterator[Tensor]]:
    return key, (torch.randn(a.shape, generator=key, dtype=a.dtype, device=a.device) for a in arrays)


def keys_joined(keys: list) -> list:
    return list(keys)


def keys_parted(joined: list) -> list:
    return list(joined)


def normals_of_each(joined: list, arrays: list) -> tuple[Key, Iterator[Tensor]]:
    parts = zip(*(a.chunk(len(joined)) for a in arrays), strict=True)
    drawn = [normals(key, list(part))[1] for key, part in zip(joined, parts, strict=True)]
    return joined, (torch.cat(same) for same in zip(*drawn, strict=True))


def leaves(tree: Tree) -> tuple[list, Callable]:
    return ([], lambda arrays: None) if tree is None else ([tree], lambda arrays: arrays[0])
