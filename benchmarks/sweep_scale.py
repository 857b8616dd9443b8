"""What a sweep costs besides its runs: for each run that it hands out, and for each folder that it reads.

    KERAS_BACKEND=jax python -m benchmarks sweep_scale --runs 60 --workers 1 2 4 --folders 1000

The runs are finished before: what is timed is to hand one out, to build its network, to see that there is nothing to
compute, and to take the result. `start` is the time to the first result, most of it for importing Keras and loading the
data, which here are 100 random samples. Needs ray, from the extra [distributed].
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from queue import SimpleQueue

import keras
import numpy as np

from keras_selfmodel.experiments import RayCluster, RunConfig, add_task, grid, plan_sweep, read_recipe_file
from keras_selfmodel.experiments.run_config import CONFIG
from keras_selfmodel.experiments.run_folder import SECONDS, RunFolder, Seconds
from keras_selfmodel.experiments.run_result import METRICS, Metrics
from keras_selfmodel.experiments.sweeps.executors import HereExecutor, ProcessesExecutor
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.ray_executor import RayExecutor
from keras_selfmodel.experiments.sweeps.results_table import write_results

RECIPE = 'name = "empty"\nrlct = false\n[data]\narrays = "data.npz"\n[model]\nhidden = 4\n'


def finished(jobs, dataset) -> None:
    """Writes folders as finished runs leave them, without models."""
    for job in jobs:
        files = RunFolder(job.folder)
        files.write("config.json", CONFIG, RunConfig.of(job.recipe, dataset))
        values = {field.name: None for field in dataclasses.fields(Metrics)}
        known = {"recipe": job.recipe, "accuracy": 0.9, "weight_spread": 0.1, "weight_interquartile_range": 0.1}
        other = {"data_source": dataset.source, "is_subset": False, "backend": keras.config.backend()}
        files.write("seconds.json", SECONDS, Seconds({"training": 1.0}))
        files.write("metrics.json", METRICS, Metrics(**{**values, **known, **other}))


def timed(execute, jobs) -> tuple[float, float]:
    """Seconds to the first result, and from there to the last for each of the others."""
    queue: SimpleQueue[Job] = SimpleQueue()
    for job in jobs:
        queue.put(job)
    start = time.perf_counter()
    moments = []
    for _, outcome in execute(queue):
        assert outcome.state == "finished", outcome
        moments.append(time.perf_counter() - start)
    return moments[0], (moments[-1] - moments[0]) / (len(moments) - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--folders", type=int, default=1000)
    options = parser.parse_args()
    import ray

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(100, 4)).astype("float32"), rng.integers(0, 2, 100)
        np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
        (folder / "recipe.toml").write_text(RECIPE)
        task = add_task(read_recipe_file(folder / "recipe.toml"))
        dataset = task.load()

        recipes = grid(task.recipe, hidden=[4], aux_weights=[1.0], seeds=range(options.folders))
        start = time.perf_counter()
        plan = plan_sweep(recipes, dataset, folder / "sweep")
        print(f"{options.folders} folders: to plan them new {time.perf_counter() - start:.2f} s", end="")
        finished(plan.jobs, dataset)
        start = time.perf_counter()
        plan_sweep(recipes, dataset, folder / "sweep")
        print(f", finished {time.perf_counter() - start:.2f} s", end="")
        start = time.perf_counter()
        write_results(folder / "sweep")
        print(f", to write results.csv {time.perf_counter() - start:.2f} s", flush=True)

        jobs = plan.jobs[: options.runs]
        print(f"executor    workers   start   each of {len(jobs)} runs")
        start, each = timed(HereExecutor(dataset, lambda *_: None), jobs)
        print(f"in process  {1:>7} {start:>7.1f} {each:>10.3f}", flush=True)
        for workers in options.workers:
            executor = ProcessesExecutor(dataset, lambda *_: None, data_dir=None, workers=workers)
            print(f"processes   {workers:>7} {'{:>7.1f} {:>10.3f}'.format(*timed(executor, jobs))}", flush=True)
        for workers in options.workers:
            ray.init("local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="error")
            with RayExecutor(dataset, lambda *_: None, RayCluster(), data_dir=None, together=False) as executor:
                print(f"ray         {workers:>7} {'{:>7.1f} {:>10.3f}'.format(*timed(executor, jobs))}", flush=True)
            ray.shutdown()


if __name__ == "__main__":
    main()
