"""How time and memory of the RLCT estimator grow with the number of weights.

    KERAS_BACKEND=jax python -m benchmarks rlct_scale
    KERAS_BACKEND=torch python -m benchmarks rlct_scale --samplers sgld --largest --memory 20

Networks of two square layers and ten class scores, untrained, 10⁴ to 10⁷ weights in float32; 2,000 made-up samples,
batches of 128; two chains, together and one after the other (`chains_at_once=1`). `--largest` goes on, doubling, while
the next size is expected to stay below `--memory` GB. Each line is a process of its own.

Printed: seconds of a step of one chain, compilation excluded, and as ns per weight; peak resident memory of the whole
process; and, from 10⁷ weights on, by how much it is above that of the size before, in copies of the weights that are
more. The model itself, w*, the chains and what the search for a step size takes are in it, and so are data and
activations; what the libraries and the compilation take is not.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
import warnings

SIZES = [10**4, 10**5, 10**6, 10**7]
SAMPLES, BATCH, CLASSES, CHAINS = 2_000, 128, 10, 2
# Calls of so many steps, two of burn-in, where more is kept, and one of draws. The first holds the compilation.
STEPS, CALLS = 10, 3


def peak() -> int:
    import resource

    # In KiB, but on macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(weights: int, sampler: str, at_once: int) -> dict:
    importlib.import_module("keras_selfmodel.rlct.batches").STEPS_PER_CALL = STEPS
    seconds, weights = estimate(weights, sampler, at_once)
    return {"weights": weights, "seconds": seconds, "peak": peak()}


def estimate(weights: int, sampler: str, at_once: int) -> tuple[float, int]:
    """Seconds of a step of one chain, and the exact number of weights."""
    import keras
    import numpy as np

    import keras_selfmodel as ksm

    warnings.simplefilter("ignore")
    # 2 width² + 12 width + 10 weights.
    width = round((-12 + (144 + 8 * (weights - CLASSES)) ** 0.5) / 4)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SAMPLES, width)).astype("float32")
    y = rng.integers(0, CLASSES, SAMPLES)
    keras.utils.set_random_seed(1)
    hidden = [keras.layers.Dense(width, activation="relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((width,)), *hidden, keras.layers.Dense(CLASSES)])
    stamps = []
    ksm.estimate_rlct(
        model,
        (x, y),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        sampler=sampler,
        num_chains=CHAINS,
        chains_at_once=at_once,
        burn_in=(CALLS - 1) * STEPS,
        num_draws=STEPS,
        batch_size=BATCH,
        seed=1,
        progress=lambda *_: stamps.append(time.perf_counter()),
    )
    # Of the first chains; those after them compile anew.
    return (stamps[CALLS - 1] - stamps[0]) / ((CALLS - 1) * STEPS * at_once), model.count_params()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samplers", default="underdamped,sgld", help="Default: underdamped,sgld.")
    parser.add_argument("--largest", action="store_true", help="Go on beyond 10⁷ weights.")
    parser.add_argument("--memory", type=float, default=20.0, help="With --largest: the limit in GB. Default: 20.")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(*json.loads(arguments.one))))
        return
    print(f"{os.environ.get('KERAS_BACKEND', 'default backend')}, {CHAINS} chains, batches of {BATCH}")
    print(
        f"{'sampler':<12} {'at once':>7} {'weights':>12} {'s/step':>10} {'ns/weight':>9} {'peak MB':>8} {'copies':>7}"
    )
    for sampler in arguments.samplers.split(","):
        for at_once in (CHAINS, 1):
            sizes, before = list(SIZES), {"weights": 0, "peak": 0}
            while sizes:
                size = sizes.pop(0)
                command = [sys.executable, __file__, "--one", json.dumps([size, sampler, at_once])]
                run = subprocess.run(command, capture_output=True, text=True)
                if run.returncode:
                    last = (run.stderr.strip().splitlines() or [""])[-1]
                    print(f"{sampler:<12} {at_once:>7} {size:>12,} failed ({run.returncode}): {last}")
                    break
                row = json.loads(run.stdout.splitlines()[-1])
                per_weight = (row["peak"] - before["peak"]) / (row["weights"] - before["weights"])
                copies = f"{per_weight / 4:7.1f}" if size >= SIZES[-1] else f"{'-':>7}"
                print(
                    f"{sampler:<12} {at_once:>7} {row['weights']:>12,} {row['seconds']:10.5f} "
                    f"{1e9 * row['seconds'] / row['weights']:9.1f} {row['peak'] / 1e6:8.0f} {copies}",
                    flush=True,
                )
                if arguments.largest and not sizes:
                    expected = row["peak"] + per_weight * row["weights"]
                    sizes = [2 * size] if expected < 1e9 * arguments.memory else []
                before = row


if __name__ == "__main__":
    main()
