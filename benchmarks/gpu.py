"""What a GPU does: an epoch, an RLCT, the paper's grid of 240 networks, CIFAR-10; every backend, resumable.

    python -m benchmarks gpu --out gpu
    python -m benchmarks gpu --out gpu --only epoch accuracy --backends torch --seconds 300
    python -m benchmarks gpu --out gpu-trial --small

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
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from speed.gpu_measurements import MEASUREMENTS

PRECISIONS = ("float32", "tf32", "mixed_bfloat16")
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


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
