"""What the commands that read run folders take on many of them: CPU seconds and peak memory of each as a process.

    KERAS_BACKEND=torch python -m benchmarks many_runs --runs 200 2000 20000

One tiny network is trained and measured, and its files are copied with other settings and numbers: a grid of 2 sizes,
10 auxiliary weights and as many seeds as it takes. `sweep` finds all of it finished. `first` is the time of the CPU, in
the program and in the system, when nothing is known of the folder, `again` that of the same command a second time,
`memory` the larger peak of the two. Time on the clock would depend on what else the machine does.
"""

import argparse
import dataclasses
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from keras_selfmodel._typed_files import TypedFile
from keras_selfmodel.experiments.run_config import CONFIG
from keras_selfmodel.experiments.run_folder import SECONDS, RunFolder, Seconds
from keras_selfmodel.experiments.run_result import METRICS

RECIPE = """name = "tiny"
[data]
arrays = "data.npz"
[model]
hidden = 4
[training]
epochs = 20
batch_size = 10
learning_rate = 0.1
[rlct]
num_chains = 2
num_draws = 20
burn_in = 10
batch_size = 50
"""
# The program, which notes the peak of its own memory. What `wait4` says starts with that of the process it was made by.
PROGRAM = """
import atexit, pathlib, re
def note():
    status = pathlib.Path("/proc/self/status").read_text()
    pathlib.Path("memory.txt").write_text(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
atexit.register(note)
from ksm_cli.main import main
main()
"""
HIDDENS, WEIGHTS = (4, 8), (0, 0.1, 0.5, 1, 2, 5, 10, 20, 50, 100)


def grid_of(runs: int) -> list[str]:
    """The options of a sweep of so many runs."""
    seeds = max(1, runs // (len(HIDDENS) * len(WEIGHTS)))
    weights = ",".join(map(str, WEIGHTS))
    return ["--hidden", ",".join(map(str, HIDDENS)), "--aux-weight", weights, "--seeds", f"1-{seeds}"]


def timed(folder: Path, *arguments: str) -> tuple[float, float]:
    """CPU seconds and peak megabytes of `ksm` with these arguments, on Linux.

    Raises:
        RuntimeError: If it fails.
    """
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / "printed.txt").open("w") as printed:
        program = [sys.executable, "-c", PROGRAM, *arguments]
        status = subprocess.run(program, cwd=folder, stdout=printed, stderr=subprocess.STDOUT, check=False).returncode
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
    if status:
        raise RuntimeError(f"ksm {arguments[0]} failed:\n{(folder / 'printed.txt').read_text()[-2000:]}")
    return seconds, int((folder / "memory.txt").read_text()) / 1e3


def one_run(folder: Path) -> RunFolder:
    """A run of a small network of random data, and the recipe and data beside it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 4)).astype("float32"), rng.integers(0, 2, 100)
    np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    (folder / "recipe.toml").write_text(RECIPE)
    timed(folder, "run", "--recipe", "recipe.toml", "--aux-weight", "1", "--out", "one", "--quiet")
    return RunFolder(folder / "one")


def copied(one: RunFolder, folder: Path, runs: int) -> list[Path]:
    """Folders of made-up runs with the files that reports read, from those of a real one."""
    metrics, config = one.read("metrics.json", METRICS), one.read("config.json", CONFIG)
    history, rng, folders = one.read_history(), np.random.default_rng(0), []

    def varied(value: float | None) -> float | None:
        return None if value is None else value * float(1 + 0.05 * rng.normal())

    for hidden in HIDDENS:
        for weight in WEIGHTS:
            for seed in range(1, 1 + max(1, runs // (len(HIDDENS) * len(WEIGHTS)))):
                recipe = dataclasses.replace(metrics.recipe, hidden=hidden, aux_weight=float(weight), seed=seed)
                files = RunFolder(folder / f"{recipe.name}-{metrics.backend}")
                files.path.mkdir(parents=True)
                estimates = {
                    name: dataclasses.replace(estimate, value=varied(estimate.value))
                    for name, estimate in metrics.estimates().items()
                }
                numbers = {
                    name: varied(getattr(metrics, name))
                    for name in ("weight_spread", "weight_interquartile_range", "self_prediction_r2")
                }
                if numbers["self_prediction_r2"] is not None:
                    numbers["self_prediction_r2"] = min(numbers["self_prediction_r2"], 1.0)
                new = dataclasses.replace(metrics, recipe=recipe, **numbers, **estimates)
                write(files, "config.json", CONFIG, dataclasses.replace(config, recipe=recipe))
                write(files, "metrics.json", METRICS, new)
                write(files, "seconds.json", SECONDS, Seconds({"training": float(rng.uniform(1, 2))}))
                rows = [row | {"weight_spread": varied(row["weight_spread"])} for row in history]
                lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
                files.history.write_text("\n".join(lines) + "\n")
                folders.append(files.path)
    return folders


def write(files: RunFolder, name: str, kind: TypedFile, record: object) -> None:
    """Without waiting for the disk, which takes minutes for thousands of files."""
    (files.path / name).write_bytes(kind.encode(record))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--commands", nargs="+", default=["report", "plot", "compare", "sweep"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["KSM_CACHE_DIR"] = str(folder / "cache")
        one = one_run(folder)
        print("runs   command    first    again   memory")
        for runs in options.runs:
            name = f"runs{runs}"
            folders = copied(one, folder / name, runs)
            arguments = {
                "report": [name],
                "plot": [name, "--format", "png"],
                "compare": [str(one.relative_to(folder)) for one in folders],
                "sweep": ["--recipe", "recipe.toml", *grid_of(runs), "--out", name],
            }
            for command in options.commands:
                first, memory = timed(folder, command, *arguments[command])
                again, memory_again = timed(folder, command, *arguments[command])
                peak = max(memory, memory_again)
                print(f"{len(folders):<6} {command:<8} {first:>6.1f} s {again:>6.1f} s {peak:>5.0f} MB", flush=True)
            if "report" in options.commands:
                size = (folder / name / "report.html").stat().st_size / 1e6
                print(f"{len(folders):<6} report.html {size:.2f} MB", flush=True)


if __name__ == "__main__":
    main()
