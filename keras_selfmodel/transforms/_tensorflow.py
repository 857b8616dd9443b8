"""Transformations on TensorFlow. `_jax.py` says what each name means."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_selfmodel._internals.keras import layers_inside
from keras_selfmodel._internals.tensorflow import rounds_products, set_rounding_of_products
from keras_selfmodel.transforms.tensors import AnyModel, Key, Tensor, Tree

# Subclasses, and recurrent layers that convolve, too.
_CONVOLUTIONS = tuple(getattr(keras.layers, name) for name in dir(keras.layers) if "Conv" in name)

# Keras's optimizers change TensorFlow's variables in place, whatever the scope.
FUNCTIONAL_OPTIMIZERS = False
IGNORES_WRONG_LABELS = False
KEEPS_WEIGHTS_BY_PATH = False
StepPlayer = None

# Whether what is being traced will be compiled by XLA.
_FUSED = ContextVar("fused", default=False)


def compile_options(model: keras.Model) -> dict[str, Any]:
    # One call of the compiled loop for 32 steps saves the Python between steps: measured 1.2 times faster. XLA, which
    # Keras leaves off on a CPU, fuses what the logs need into the products: 1.2 times faster again. On a CPU
    # it computes convolutions at half the speed of TensorFlow, depthwise ones at an eighth.
    convolves = any(isinstance(layer, _CONVOLUTIONS) for layer in layers_inside(model))
    return {"steps_per_execution": 32, "jit_compile": not convolves or bool(_accelerators())}


def devices() -> list[str]:
    found = _accelerators() or tf.config.list_logical_devices("CPU")
    return [device.name.removeprefix("/device:") for device in found]


def _accelerators() -> list:
    return tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU")


@contextmanager
def float32_products() -> Iterator[None]:
    before = rounds_products()
    set_rounding_of_products(False)
    try:
        yield
    finally:
        set_rounding_of_products(before)


def replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync


def sum_over_replicas(values: list) -> list:
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def seeded(*seed: int) -> AbstractContextManager:
    return nullcontext()


def is_of_batching(error: Exception) -> bool:
    return False


def after(value: Tensor, other: Tensor) -> Tensor:
    # The order is dropped because the IdentityN of Keras's `all_reduce` of gradients seems to ensure it, and is itself
    # removed later. XLA keeps it.
    with tf.control_dependencies([other]):
        return tf.identity(value)


def is_traced(array: Tensor) -> bool:
    return False


def data_parallel(devices: int) -> Any:
    kind = next(kind for kind in ("GPU", "TPU", "CPU") if tf.config.list_logical_devices(kind))
    return tf.distribute.MirroredStrategy([f"{kind}:{number}" for number in range(devices)])


def model_parallel(divided: dict[str, tuple], devices: int, replicas: int) -> Any:
    raise NotImplementedError("Keras divides the weights of a network among devices on JAX alone.")


def value_and_grad(function: Callable) -> Callable:
    def differentiated(weights, *args):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value, aux = function(weights, *args)
        gradients = tape.gradient(value, weights, unconnected_gradients="zero")
        # Of a table whose rows were looked up, TensorFlow gives only these rows: no array to compute with.
        return (value, aux), [tf.convert_to_tensor(gradient) for gradient in gradients]

    return differentiated


def jit(function: Callable, *, fuse: bool = False) -> Callable:
    def in_its_context(*args):
        token = _FUSED.set(fuse)
        try:
            return function(*args)
        finally:
            _FUSED.reset(token)

    # No autograph: loops are written with `scan`, and a Python list changed inside tf.range would not be carried.
    traced = tf.function(in_its_context, autograph=False, jit_compile=fuse or None)
    # Asking for the trace of these shapes is the same cached call, without the warning that a last, smaller batch
    # or a second estimate would cause.
    return lambda *args: traced.get_concrete_function(*args)(*args)


def map_chains(function: Callable, *, separately: bool = False) -> Callable:
    if not separately and tf.config.list_logical_devices("GPU"):
        return lambda *args, shared=(): tf.vectorized_map(lambda slices: function(*slices, *shared), args)

    def unrolled(*args, shared=()):
        chains = tf.nest.flatten(args)[0].shape[0]
        slices = [tf.nest.map_structure(lambda a, chain=chain: a[chain], args) for chain in range(chains)]
        return tf.nest.map_structure(lambda *results: tf.stack(results), *(function(*s, *shared) for s in slices))

    return unrolled


def scan(function: Callable, carry: Tree, inputs: Tree) -> tuple[Tree, Tensor]:
    length = tf.nest.flatten(inputs)[0].shape[0]

    def body(step, carry, trace):
        carry, output = function(carry, tf.nest.map_structure(lambda a: a[step], inputs))
        return step + 1, carry, trace.write(step, output)

    # One step at a time: iterations in parallel would hold several copies of the carry.
    _, carry, trace = tf.while_loop(
        lambda step, *_: step < length,
        body,
        (0, carry, tf.TensorArray(keras.config.floatx(), length)),
        parallel_iterations=1,
    )
    return carry, trace.stack()


def put_rows_in_place(table: Tensor, numbers: Tensor, rows: Tensor) -> Tensor:
    return tf.tensor_scatter_nd_update(table, numbers[:, None], rows)


def add_scaled_in_place(y: Tensor, scale: Tensor, x: Tensor) -> Tensor:
    return y + scale * x


def random_key(seed: int) -> Key:
    return tf.constant([seed, 0], tf.int64)


def key_to_numpy(key: Key) -> np.ndarray:
    return key.numpy()


def key_from_numpy(data: np.ndarray) -> Key:
    return tf.constant(data)


def normals(key: Key, arrays: list) -> tuple[Key, Iterator[Tensor]]:
    drawn = (_normal(a.shape, a.dtype, key + tf.constant([0, i], tf.int64)) for i, a in enumerate(arrays))
    return key + tf.constant([0, len(arrays)], tf.int64), drawn


def _normal(shape: tf.TensorShape, dtype: tf.DType, key: Key) -> Tensor:
    """Normal numbers by the transform of Box and Muller, 1958, in 0.6 of the time of TensorFlow's own on a CPU."""
    count = math.prod(shape)
    # XLA's Philox takes 200 times as long on a CPU as its Threefry, which TensorFlow has nowhere else.
    generator = "threefry" if _FUSED.get() else "philox"
    uniform, turn = tf.unstack(tf.random.stateless_uniform((2, (count + 1) // 2), key, dtype=dtype, alg=generator))
    radius, angle = tf.sqrt(-2 * tf.math.log1p(-uniform)), 2 * math.pi * turn
    return tf.reshape(tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], 0)[:count], shape)


def keys_joined(keys: list) -> Key:
    return tf.stack(keys)


def keys_parted(joined: Key) -> list:
    return tf.unstack(joined)


def normals_of_each(joined: Key, arrays: list) -> tuple[Key, Iterator[Tensor]]:
    keys = tf.unstack(joined)
    parts = zip(*(tf.split(a, len(keys)) for a in arrays), strict=True)
    keys, drawn = zip(*(normals(key, list(part)) for key, part in zip(keys, parts, strict=True)), strict=True)
    return tf.stack(keys), (tf.concat(same, 0) for same in zip(*drawn, strict=True))


def network(model: AnyModel) -> None:
    return None


def leaves(tree: Tree) -> tuple[list, Callable]:
    return ([], lambda arrays: None) if tree is None else ([tree], lambda arrays: arrays[0])
