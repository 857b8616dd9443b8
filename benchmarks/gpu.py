"""What a GPU does: an epoch, an RLCT, the paper's grid of 240 networks, CIFAR-10; every backend, resumable.

    python benchmarks/gpu.py --out gpu
    python benchmarks/gpu.py --out gpu --only epoch accuracy --backends torch --seconds 300
    python benchmarks/gpu.py --out gpu-trial --small

Each measurement is a process of its own and writes a file into the folder; those that are complete are not made again,
so the same command goes on after an interruption, or after `--seconds`, and the tables are printed from the files.
MNIST and CIFAR-10 must lie in TFDS_DATA_DIR. `--small` takes parts of the data and few steps, to try it on a CPU.

    epoch      seconds of a self-modeling epoch of MNIST, H = 512, beside a hand-written loop (training.py)
    rlct       seconds of MNIST's RLCT, H = 512, after three epochs: the paper's convention and the default
    cifar      seconds of an epoch of CIFAR-10 with AW 1, in float32, TF32 and bfloat16, augmentation included
    accuracy   the default RLCT of deep linear networks beside the exact value, in float32 and TF32
    grid       the 240 networks of MNIST, trained and sampled together: seconds of the training and of the rest
    cifar-runs `--epochs` epochs of CIFAR-10, AW 0 and 1, with the RLCT by the paper's convention

What is compiled is in no time but "first" and the grid's. Peak memory is what the backend's allocator says.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

PRECISIONS = ("float32", "tf32", "mixed_bfloat16")
Found = Iterator[tuple[str, dict]]
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def epoch(options) -> Found:
    import training

    x, y = training.data()
    if options.small:
        training.BATCHES = training.BATCHES[:4]
        x, y = x[:2048], y[:2048]
    by_hand = {"jax": training.jax_epoch, "tensorflow": training.tensorflow_epoch, "torch": training.torch_epoch}
    ways = {
        "hand-written": by_hand[options.backend](x, y),
        "self-modeling": training.keras_epoch(training.AUX_WEIGHT, x, y),
        "plain": training.keras_epoch(0.0, x, y),
    }
    for name, one_epoch in ways.items():
        yield name, {"first": seconds(one_epoch), "best": min(seconds(one_epoch) for _ in range(5))}


def rlct(options) -> Found:
    import keras

    import keras_selfmodel as ksm
    from keras_selfmodel import experiments, transforms

    data, task = dataset("mnist", options.small), experiments.find_task("mnist")
    model = ksm.SelfModelingModel(ksm.models.mlp(16 if options.small else 512, seed=1), "hidden", 10.0, seed=1)
    model.compile(
        keras.optimizers.SGD(0.005, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **transforms.COMPILE_OPTIONS,
    )
    x = task.inputs(data.x_train)
    model.fit(x, data.y_train, batch_size=512, epochs=3, shuffle=False, verbose=0)
    conventions = {"paper": {"convention": "paper", "step_size": 1e-4, "localization": 100.0}, "default": {}}
    if options.small:
        conventions["paper"]["num_draws"] = 20
        conventions["default"] = {"num_draws": 20, "burn_in": 20}
    for name, settings in conventions.items():
        yield name, estimated(model, x, data.y_train, 512, settings)


def estimated(model, x, y, batch_size: int, settings: dict, **loss) -> dict:
    """An estimate, and its seconds: in all, of which steps; the others hold what is compiled."""
    import keras_selfmodel as ksm

    stamps, start = [], time.perf_counter()

    def phase(words: str) -> None:
        print(f"{time.perf_counter() - start:7.1f} s  {words}", flush=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        estimate = ksm.estimate_rlct(
            model,
            (x, y),
            batch_size=batch_size,
            seed=1,
            phase=phase,
            progress=lambda done, _: stamps.append((time.perf_counter(), done)),
            **settings,
            **loss,
        )
    total = time.perf_counter() - start
    (first, done), (last, all_done) = stamps[0], stamps[-1]
    pace = (last - first) / max(1, all_done - done)
    phase("done")
    return {
        "seconds": total,
        "of which steps": pace * all_done,
        "ms a step": 1e3 * pace,
        "value": estimate.value,
        "std_error": estimate.std_error,
        "verdict": estimate.verdict,
        "gradients": estimate.gradient_evaluations,
    }


def cifar(options) -> Found:
    from keras_selfmodel.experiments import Progress, run

    precision = options.precision if options.precision.startswith("mixed") else "float32"
    recipe = cifar_recipe(aux_weight=1.0, epochs=3, precision=precision, rlct=None)
    data = dataset("cifar10", options.small)
    stamps = [time.perf_counter()]

    def stamp(*_) -> None:
        stamps.append(time.perf_counter())
        print(f"epoch after {stamps[-1] - stamps[-2]:.1f} s", flush=True)

    run(recipe, data, options.out / "runs" / options.name, progress=Progress(epoch=stamp), resume=True)
    first, *later = [b - a for a, b in itertools.pairwise(stamps)]
    yield "epoch", {"first": first, "best": min(later)}


def cifar_recipe(**settings):
    import dataclasses

    from keras_selfmodel import experiments

    return dataclasses.replace(experiments.find_task("cifar10").recipe, **settings)


def accuracy(options) -> Found:
    import keras

    import keras_selfmodel as ksm

    for kind in ("generic", "singular"):
        for size in (1_000,) if options.small else (1_000, 10_000, 100_000):
            network = ksm.rlct.deep_linear_network(size, kind, 31)
            x, y = network.data(2_000 if options.small else 100_000, 31)
            few = {"num_draws": 20, "burn_in": 20} if options.small else {}
            loss = keras.losses.MeanSquaredError()
            exact = float(network.coefficient.value)
            yield f"{kind} {size}", {"exact": exact, **estimated(network.model(), x, y, 500, few, loss=loss)}


def grid(options) -> Found:
    from keras_selfmodel import experiments

    base = experiments.find_task("mnist").recipe
    hidden, seeds = ((16, 32), range(1, 3)) if options.small else ((64, 128, 256, 512), range(1, 11))
    if options.small:
        import dataclasses

        base = dataclasses.replace(base, epochs=2, rlct=dataclasses.replace(base.rlct, num_draws=20))
    recipes = experiments.grid(base, hidden=hidden, aux_weights=(0, 1, 5, 10, 20, 50), seeds=seeds)
    data = dataset("mnist", options.small)
    spent: dict[str, float] = {}
    start = time.perf_counter()
    last = [start]

    def step(job, part: str, done: int, total: int) -> None:
        now = time.perf_counter()
        spent[part] = spent.get(part, 0.0) + now - last[0]
        if now - last[0] > 1:
            print(f"{now - start:7.1f} s  {job.recipe.name}: {part} {done} of {total}", flush=True)
        last[0] = now

    plan = experiments.plan_sweep(recipes, data, options.out / "runs" / options.name)
    progress = experiments.SweepProgress(step=step)
    result = experiments.sweep(plan, data, together=True, progress=progress)
    counts = {"networks": len(result.results), "failed": len(result.failures)}
    yield "all", {**counts, "seconds": time.perf_counter() - start, "by part": spent}


def cifar_runs(options) -> Found:
    from keras_selfmodel.experiments import run

    for aux_weight in (0.0, 1.0):
        recipe = cifar_recipe(aux_weight=aux_weight, epochs=options.epochs, precision="mixed_bfloat16")
        start = time.perf_counter()
        folder = options.out / "runs" / f"{options.name}-aux{aux_weight:g}"
        result = run(recipe, dataset("cifar10", options.small), folder, resume=True)
        metrics = result.metrics
        yield (
            f"AW {aux_weight:g}",
            {
                "seconds": time.perf_counter() - start,
                "accuracy": metrics.accuracy,
                "weight_spread": metrics.weight_spread,
                "rlct": metrics.rlct.value,
                "std_error": metrics.rlct.std_error,
            },
        )


def dataset(name: str, small: bool):
    from keras_selfmodel.datasets import limited, load

    data = load(name)
    return limited(data, 1024) if small else data


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def set_precision(backend: str, precision: str) -> None:
    """Whether products of float32 may be computed in TF32, which keeps ten of 23 bits."""
    if backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest" if precision == "float32" else "tensorfloat32")
    elif backend == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "float32"
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(precision != "float32")


def peak_memory(backend: str) -> float | None:
    """Gigabytes of the device that were in use at most so far, where the backend tells."""
    if backend == "torch":
        import torch

        return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None
    if backend == "jax":
        import jax

        stats = jax.devices()[0].memory_stats()
        return stats["peak_bytes_in_use"] / 1e9 if stats else None
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e9 if gpus else None


MEASUREMENTS = {
    "epoch": epoch,
    "rlct": rlct,
    "cifar": cifar,
    "accuracy": accuracy,
    "grid": grid,
    "cifar-runs": cifar_runs,
}
# The precisions in which each is made: the first is what the paper's numbers were computed in.
IN_PRECISIONS = {"cifar": PRECISIONS, "accuracy": PRECISIONS[:2], "cifar-runs": PRECISIONS[2:]}


def measure(options) -> None:
    """One measurement, in this process."""
    set_precision(options.backend, options.precision)
    from keras_selfmodel import transforms

    result = {
        "job": options.job,
        "backend": options.backend,
        "precision": options.precision,
        "device": transforms.devices()[0],
        "complete": False,
        "found": {},
    }
    for name, values in MEASUREMENTS[options.job](options):
        result["found"][name] = values | {"peak GB": peak_memory(options.backend)}
        options.file.write_text(json.dumps(result, indent=1))
    options.file.write_text(json.dumps(result | {"complete": True}, indent=1))


def table(folder: Path) -> str:
    lines = []
    for job in MEASUREMENTS:
        for file in sorted(folder.glob(f"{job}.*.json")):
            result = json.loads(file.read_text())
            rest = "" if result["complete"] else ", not complete"
            lines.append(f"{job}, {result['backend']}, {result['precision']}, {result['device']}{rest}")
            for name, values in result["found"].items():
                lines.append(f"  {name:<24} {described(values)}")
    return "\n".join(lines)


def described(values) -> str:
    if not isinstance(values, dict):
        return f"{values:.4g}" if isinstance(values, float) else str(values)
    return "  ".join(f"{name} {described(value)}" for name, value in values.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="Folder of what was measured.")
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), default=list(MEASUREMENTS))
    parser.add_argument("--backends", nargs="+", default=["jax", "torch", "tensorflow"])
    parser.add_argument("--seconds", type=float, default=1500, help="Starts nothing and ends all after. Default: 1500.")
    parser.add_argument("--epochs", type=int, default=250, help="Of cifar-runs. Default: 250.")
    parser.add_argument("--small", action="store_true", help="Parts of the data and a few steps.")
    for name in ("--job", "--backend", "--precision"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.job:
        options.name = f"{options.job}.{options.backend}.{options.precision}"
        options.file = options.out / f"{options.name}.json"
        measure(options)
        return
    end = time.monotonic() + options.seconds
    for job in options.only:
        # One backend is enough for what is no matter of speed.
        for backend in options.backends[:1] if job in ("grid", "cifar-runs") else options.backends:
            for precision in IN_PRECISIONS.get(job, PRECISIONS[:1]):
                name = f"{job}.{backend}.{precision}"
                if not complete(options.out / f"{name}.json") and time.monotonic() < end:
                    one = [sys.executable, __file__, "--job", job, "--backend", backend, "--precision", precision]
                    one += ["--out", str(options.out), "--epochs", str(options.epochs)] + ["--small"] * options.small
                    run_apart(name, one, options.out / f"{name}.log", backend, end - time.monotonic())
    print(table(options.out))


def complete(file: Path) -> bool:
    return file.exists() and json.loads(file.read_text())["complete"]


def run_apart(name: str, command: list[str], log: Path, backend: str, limit: float) -> None:
    start = time.monotonic()
    with log.open("w") as output:
        try:
            code = subprocess.run(
                command,
                env=ENVIRONMENT | os.environ | {"KERAS_BACKEND": backend},
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=limit,
            ).returncode
        except subprocess.TimeoutExpired:
            code = "none: out of time"
    ended = "measured" if code == 0 else f"exit code {code}, see {log}"
    print(f"{name:<32} {time.monotonic() - start:6.0f} s  {ended}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
