"""What the layout of convolutions in loops does to the RLCT of convolutional networks on JAX and a CPU.

    KERAS_BACKEND=jax python -m benchmarks rlct_convolutions
    KERAS_BACKEND=tensorflow python -m benchmarks rlct_convolutions

On JAX each network is sampled with the layout that `transforms` gives convolutions in loops and, in the same run, with
the one they are written in; on the other backends once. Thirty steps of two chains on 28 × 28 images, batches of
64. Printed: seconds until the first estimate, compilation included, and milliseconds for each gradient of a batch
once compiled, the least of three.
"""

import time
import warnings
from unittest import mock

import keras
import numpy as np
from keras import layers

from keras_selfmodel.rlct import RLCTWarning, SamplingSettings
from keras_selfmodel.rlct.problem import Problem

STEPS = {"burn_in": 15, "num_draws": 15, "num_chains": 2, "batch_size": 64, "step_size": 1e-6, "localization": 100.0}


def networks() -> dict[str, list]:
    def inverted():
        inputs = keras.Input((7, 7, 16))
        wide = layers.DepthwiseConv2D(3, padding="same", activation="relu")(inputs)
        return keras.Model(inputs, layers.Add()([inputs, layers.Conv2D(16, 1)(wide)]))

    stem = [layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")]
    return {
        "3 × 3, strided": [
            *stem,
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
        ],
        "depthwise, in nested models": [
            layers.Conv2D(16, 3, strides=4, padding="same", activation="relu"),
            inverted(),
            inverted(),
        ],
        "transposed": [
            layers.Conv2D(8, 3, strides=4, padding="same", activation="relu"),
            layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
        ],
    }


def measure(body: list) -> tuple[float, float]:
    """Seconds of the first estimate, and of a gradient once all is compiled."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((28, 28, 1)), *body, layers.GlobalAveragePooling2D(), layers.Dense(10)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 28, 28, 1)).astype("float32"), rng.integers(0, 10, 2000)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    problem, seconds = Problem.of(model, (x, y), loss, training=False), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RLCTWarning)
        for _ in range(4):
            start = time.perf_counter()
            estimate = problem.estimate(SamplingSettings(**STEPS))
            seconds.append(time.perf_counter() - start)
    return seconds[0], min(seconds[1:]) / estimate.gradient_evaluations


def main() -> None:
    as_written = "keras_selfmodel.transforms._jax.with_fast_convolutions"
    for name, body in networks().items():
        first, each = measure(body)
        line = f"{keras.config.backend()}, {name}: first {first:.1f} s, then {1e3 * each:.2f} ms a gradient"
        if keras.config.backend() == "jax":
            with mock.patch(as_written, lambda function: function):
                first, before = measure(networks()[name])
            line += f"; as written: first {first:.1f} s, then {1e3 * before:.2f} ms, {before / each:.1f} times"
        print(line, flush=True)


if __name__ == "__main__":
    main()
