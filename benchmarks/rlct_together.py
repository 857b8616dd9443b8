"""The chains of many networks moved by one program against one network after another: seconds of a step of a chain.

    KERAS_BACKEND=jax python -m benchmarks rlct_together --hidden 64 512 --networks 10

784-H-10, untrained, random data, batch 512, four chains of SGLD in the paper's convention. Both ways in turn, after a
round that compiles; the best round of each counts, so that other work on the machine weighs less. What comes before and
after the steps, such as the losses at w*, is in neither.
"""

import argparse
import time

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.models import mlp
from keras_selfmodel.rlct import SamplingSettings
from keras_selfmodel.rlct.batches import STEPS_PER_CALL
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.problem import Problem
from keras_selfmodel.rlct.stepwise import Request


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 512])
    parser.add_argument("--networks", type=int, default=10)
    parser.add_argument("--samples", type=int, default=20_480)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = ops.convert_to_tensor(rng.uniform(-1, 1, (options.samples, 784)).astype("float32"))
    y = rng.integers(0, 10, options.samples).astype("int32")
    batches = rng.integers(0, options.samples, (STEPS_PER_CALL, 1, 512), dtype=np.int32)
    print(f"{keras.config.backend()} on {transforms.devices()[0]}")
    print("H     networks   one by one / µs   together / µs   together / one by one")
    for hidden in options.hidden:
        requests, first = [], None
        for seed in range(options.networks):
            settings = SamplingSettings(convention="paper", seed=seed).resolved(len(y), 1, 1.0)
            energy = Problem.of(mlp(hidden, seed=seed), (x, y), training=True, like=first).energy
            first = first or energy
            chains = Chains(energy, settings, range(settings.num_chains))
            requests.append(Request(chains, np.repeat(batches, settings.num_chains, axis=1)))
        single, many = [], []
        for _ in range(1 + options.rounds):
            single.append(seconds(lambda requests=requests: [r.chains.run(r.indices) for r in requests]))
            many.append(seconds(lambda requests=requests: Chains.run_together(requests)))
        one, per = (1e6 * min(times[1:]) / (options.networks * 4 * STEPS_PER_CALL) for times in (single, many))
        print(f"{hidden:<5} {options.networks:>8} {one:>17.0f} {per:>15.0f} {per / one:>23.2f}", flush=True)


if __name__ == "__main__":
    main()
