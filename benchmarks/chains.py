"""Chain-draws per second of the RLCT estimator on the running backend, chains mapped together or one by one.

    KERAS_BACKEND=jax python -m benchmarks chains

Prints both rates for a network of 407,050 weights and one of 506, and their ratio, measured in one process.
"""

import importlib
import time
import warnings

import keras
import numpy as np

import keras_selfmodel as ksm
from keras_selfmodel import transforms

estimator = importlib.import_module("keras_selfmodel.rlct.estimating")


def rate(model, x, y, batch_size: int) -> float:
    times = []
    ksm.estimate_rlct(
        model,
        (x, y),
        num_draws=250,
        burn_in=0,
        step_size=1e-7,
        batch_size=batch_size,
        seed=1,
        progress=lambda *_: times.append(time.perf_counter()),
    )
    # The first block holds the compilation.
    return 4 * 200 / (times[-1] - times[0])


def main() -> None:
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    map_chains = transforms.map_chains
    print(f"{keras.config.backend()} on {transforms.devices()[0]}, 4 chains, draws per second")
    for hidden, inputs, samples, batch in [(512, 784, 20_000, 512), (16, 20, 2_000, 256)]:
        x = rng.normal(size=(samples, inputs)).astype("float32")
        y = rng.integers(0, 10, samples)
        model = ksm.models.mlp(hidden, inputs=inputs, seed=1)
        transforms.map_chains = map_chains
        chosen = rate(model, x, y, batch)
        transforms.map_chains = lambda function, separately: map_chains(function, separately=True)
        apart = rate(model, x, y, batch)
        print(
            f"  {model.count_params():>7} weights, batch {batch}: as chosen {chosen:8.0f}   "
            f"one by one {apart:8.0f}   ratio {chosen / apart:.2f}"
        )


if __name__ == "__main__":
    main()
