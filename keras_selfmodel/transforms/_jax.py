"""Transformations on JAX. The other backends' files define the same names."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import keras
import numpy as np

from keras_selfmodel.transforms._jax_convolutions import with_fast_convolutions
from keras_selfmodel.transforms._jax_network import network as network
from keras_selfmodel.transforms.tensors import Key, Tensor, Tree

# Whether Keras's optimizers can be used as functions of weights and state.
FUNCTIONAL_OPTIMIZERS = True

# Whether labels that no class belongs to train a network without a word: on JAX they are rows of zeros. TensorFlow and
# PyTorch raise an error or give a loss that is not a number.
IGNORES_WRONG_LABELS = True

# Whether Keras keeps weights for the backend by their paths, so that it loses some where several have the same.
KEEPS_WEIGHTS_BY_PATH = False

# Plays training steps of Keras back without their Python; `None` where Keras compiles them.
StepPlayer = None


def compile_options(model: keras.Model) -> dict[str, Any]:
    """Arguments of `model.compile` with which `fit` of a model is fastest: none on JAX, which compiles each step."""
    return {}


def devices() -> list[str]:
    """Names of the devices the backend computes on, the one it prefers first."""
    return [f"{device.platform}:{device.id} {device.device_kind}" for device in jax.devices()]


def float32_products() -> AbstractContextManager[None]:
    """A context in which products of float32 keep all their bits; GPUs and TPUs round the factors to ten or seven."""
    return jax.default_matmul_precision("highest")


def replicas() -> int:
    """Devices whose Loss instances share one batch by scaling: none but TensorFlow's strategies do."""
    return 1


def sum_over_replicas(values: list) -> list:
    """Tensors of a replica's part of a batch, each added up over the `replicas`."""
    return values


def seeded(*seed: int) -> AbstractContextManager:
    """Seeds the backend's global generators, from which PyTorch's dropout draws, and restores them afterwards.

    Args:
        *seed: Whole numbers, of which NumPy makes one seed; it leaves zeros at the end out. JAX and TensorFlow have no
            such generators.
    """
    return nullcontext()


def is_of_batching(error: Exception) -> bool:
    """Whether an error says that a function cannot be computed for all chains at once, which it can one by one."""
    return False


def after(value: Tensor, other: Tensor) -> Tensor:
    """Returns `value`; on TensorFlow, only after `other` has been computed.

    A training step must read each weight before the optimizer writes to it. TensorFlow's optimization of graphs can
    drop the order of the two, and what no gradient depends on, behind `stop_gradient`, is then now and then computed
    from the new weights. Making what the gradients do depend on wait for it restores the order.
    """
    return value


def is_traced(array: Tensor) -> bool:
    """Whether an array stands for one in a program that is being recorded, so that no variable may keep it."""
    return isinstance(array, jax.core.Tracer)


def data_parallel(devices: int) -> Any:
    """The distribution in whose `scope()` models are made whose training steps several devices share.

    Args:
        devices: How many of `devices()`. Each takes its part of every batch.

    Raises:
        NotImplementedError: If Keras has none for the backend.
    """
    return keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:devices])


def model_parallel(divided: dict[str, tuple], devices: int, replicas: int) -> Any:
    """The distribution in whose `scope()` the weights of models are divided among devices.

    Args:
        divided: For the ends of variables' paths the axis "model" where it is divided, and `None` for each other axis.
        devices: Devices that share a copy of the weights.
        replicas: Copies, which share the batches.

    Raises:
        NotImplementedError: If Keras has none for the backend.
    """
    names = keras.distribution.list_devices()[: devices * replicas]
    layout = keras.distribution.LayoutMap(keras.distribution.DeviceMesh((replicas, devices), ("batch", "model"), names))
    for path, axes in divided.items():
        layout[f"(.*/)?{path}"] = axes
    return keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch")


def value_and_grad(function: Callable) -> Callable:
    """Differentiates `function(weights, *args) -> (value, aux)` with respect to `weights`, a list of arrays.

    Returns:
        A function of the same arguments that returns `((value, aux), gradients)`.
    """
    return jax.value_and_grad(function, has_aux=True)


def jit(function: Callable, *, fuse: bool = False) -> Callable:
    """Compiles `function(state, *args) -> (state, result)`. The memory of the state passed in is used again.

    Args:
        function: Its arguments are trees of arrays.
        fuse: Whether TensorFlow compiles with XLA, as JAX does anyway: for loops of many small steps.
    """
    return jax.jit(function, donate_argnums=0)


def map_chains(function: Callable, *, separately: bool = False) -> Callable:
    """Applies `function` to each slice along the first axis of its arguments, trees of arrays; stacks the results.

    Args:
        function: Function of trees of arrays. It must close over no array that is not a constant: PyTorch records it.
        separately: Whether the slices must be computed one after another, as functions that draw random numbers
            need. Otherwise each backend does what is faster on its device (benchmarks/chains.py).

    Returns:
        `mapped(*args, shared=())`; `shared`, trees of arrays, are the last arguments of `function` for every slice.
    """
    if jax.default_backend() == "cpu" or separately:
        # On a CPU batched products of different weights are slower than one product after another.
        return lambda *args, shared=(): jax.lax.map(_looped(lambda slices: function(*slices, *shared)), args)
    return lambda *args, shared=(): jax.vmap(lambda *slices: function(*slices, *shared))(*args)


def scan(function: Callable, carry: Tree, inputs: Tree) -> tuple[Tree, Tensor]:
    """Loops `carry, output = function(carry, input)` over the first axis of `inputs`.

    Args:
        function: Its output is one array of Keras's float type.
        carry: Tree of arrays whose shapes stay the same.
        inputs: Tree of arrays.

    Returns:
        The last carry and the outputs stacked.
    """
    return jax.lax.scan(_looped(function), carry, inputs)


def _looped(function: Callable) -> Callable:
    """The function as the body of a loop."""
    return with_fast_convolutions(function) if jax.default_backend() == "cpu" else function


def put_rows_in_place(table: Tensor, numbers: Tensor, rows: Tensor) -> Tensor:
    """The table with other rows at these numbers, all different.

    The caller gives the table away: its memory is used again, at once on PyTorch, and where the compiler
    decides so on the others. Use the returned table.
    """
    return table.at[numbers].set(rows, unique_indices=True)


def add_scaled_in_place(y: Tensor, scale: Tensor, x: Tensor) -> Tensor:
    """y + scale·x, in one pass over the memory of y.

    The caller gives y away, as with `put_rows_in_place`.

    Args:
        y: Array that nothing else needs.
        scale: Scalar or array that broadcasts against y.
        x: Array that broadcasts against y.
    """
    return y + scale * x


def random_key(seed: int) -> Key:
    """The state of a random number generator, from a seed in 0 … 2⁶³ − 1."""
    return jax.random.key(seed)


def key_to_numpy(key: Key) -> np.ndarray:
    """The state of a random number generator as an array to be stored."""
    return np.asarray(jax.random.key_data(key))


def key_from_numpy(data: np.ndarray) -> Key:
    """The state that `key_to_numpy` stored."""
    return jax.random.wrap_key_data(jax.numpy.asarray(data))


def normals(key: Key, arrays: list) -> tuple[Key, Iterator[Tensor]]:
    """Draws standard normal numbers.

    Returns:
        The next key, and an iterator over arrays of the same shapes and dtypes as `arrays`, each drawn when it is
        asked for.
    """
    key, *keys = jax.random.split(key, len(arrays) + 1)
    # As vectors: of arrays with more axes XLA makes the same numbers, but compiles for seconds on a CPU.
    return key, (jax.random.normal(k, (a.size,), a.dtype).reshape(a.shape) for k, a in zip(keys, arrays, strict=True))


def keys_joined(keys: list) -> Key:
    """Several generators as one argument of a compiled function; see `normals_of_each`."""
    return jax.numpy.stack(keys)


def keys_parted(joined: Key) -> list:
    """The generators that `keys_joined` put together."""
    return list(joined)


def normals_of_each(joined: Key, arrays: list) -> tuple[Key, Iterator[Tensor]]:
    """Draws standard normal numbers by several generators, each its own part.

    Args:
        joined: What `keys_joined` returned.
        arrays: The first axis of each is divided evenly among the generators.

    Returns:
        The next keys, joined, and an iterator over arrays of the same shapes and dtypes as `arrays`. Each part is
        what `normals` draws by its generator.
    """
    parts = [jax.ShapeDtypeStruct((a.shape[0] // len(joined), *a.shape[1:]), a.dtype) for a in arrays]

    def of_one(key):
        key, drawn = normals(key, parts)
        return key, list(drawn)

    joined, drawn = jax.vmap(of_one)(joined)
    return joined, (d.reshape(a.shape) for d, a in zip(drawn, arrays, strict=True))


def leaves(tree: Tree) -> tuple[list, Callable]:
    """The arrays of a structure that the backend's library knows, and a function that puts others in their place.

    An array is a structure of one; `None` has none.
    """
    found, structure = jax.tree_util.tree_flatten(tree)
    return found, lambda arrays: jax.tree_util.tree_unflatten(structure, arrays)
