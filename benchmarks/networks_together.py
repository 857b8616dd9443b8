"""Many networks trained by one program against one after another: seconds of an epoch of one network.

    KERAS_BACKEND=jax python -m benchmarks networks_together --hidden 64 512 --networks 10

784-H-(10 + H) with H targets, auxiliary weight 10, random data, batch 512, Nesterov momentum. Both ways in turn, after
a round that compiles; the best round of each counts, so that other work on the machine weighs less.
"""

import argparse
import time

import keras
import numpy as np

from keras_selfmodel import transforms
from keras_selfmodel.experiments.training.networks_together import NetworksTogether
from keras_selfmodel.models import SelfModelingModel, mlp


def made(hidden: int, seed: int) -> keras.Model:
    model = SelfModelingModel(mlp(hidden, seed=seed), ["hidden"], 10.0, seed=(seed, 1))
    model.compile(
        keras.optimizers.SGD(0.005, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **transforms.compile_options(model),
    )
    return model


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 512])
    parser.add_argument("--networks", type=int, default=10)
    parser.add_argument("--samples", type=int, default=20_480)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (options.samples, 784)).astype("float32")
    y = rng.integers(0, 10, options.samples).astype("int32")
    print(f"{keras.config.backend()} on {transforms.devices()[0]}, {options.samples} samples an epoch")
    print("H     networks   one by one   together   together / one by one")
    for hidden in options.hidden:
        alone = made(hidden, 0)
        models = [made(hidden, seed) for seed in range(options.networks)]
        orders = np.tile(np.arange(options.samples, dtype=np.int32), (options.networks, 1))
        together = NetworksTogether(models, x, y, orders, batch_size=512)
        single, many = [], []
        for _ in range(1 + options.rounds):
            single.append(seconds(lambda alone=alone: alone.fit(x, y, batch_size=512, shuffle=False, verbose=0)))
            many.append(seconds(together.epoch) / options.networks)
        one, per = min(single[1:]), min(many[1:])
        print(f"{hidden:<5} {options.networks:>8} {one:>12.3f} {per:>10.3f} {per / one:>10.2f}", flush=True)


if __name__ == "__main__":
    main()
