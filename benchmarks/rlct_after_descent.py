"""How much of the fall of the RLCT with the auxiliary weight is left where w* is a minimum of the task's loss.

    ksm sweep mnist --backend jax --hidden 512 --seeds 1-3
    KERAS_BACKEND=jax python -m benchmarks rlct_after_descent --runs sweeps/mnist --hidden 512 --seeds 1-3

Self-modeling networks are trained on another loss than the one whose RLCT is measured. For each trained MNIST network
of the folder the RLCT is estimated at the trained weights and, `anchor="descend"`, at the mode of the distribution that
the chains sample: in the paper's convention, and with nβ = n/ln n at a localization γ. Printed for each auxiliary
weight, as mean ± standard deviation over seeds: both estimates, nβ times the loss at both, and how far the descent
went; then by what part the estimates fall from the least auxiliary weight to the others.
"""

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path

import keras
import numpy as np

import keras_selfmodel as ksm
from keras_selfmodel import datasets
from keras_selfmodel.experiments import TASKS, RunResult, finished_runs

ANCHORS = ("trained", "descend")


def estimates(folder: Path, arrays: tuple, settings, seed: int) -> dict:
    model = keras.models.load_model(folder / "model.keras")
    row = {}
    for anchor in ANCHORS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
            estimate = ksm.estimate_rlct(model, arrays, settings=settings, anchor=anchor, seed=seed)
        row[anchor] = {
            "rlct": estimate.value,
            "std_error": estimate.std_error,
            "loss": estimate.inverse_temperature * estimate.initial_loss,
            "gradient_term": estimate.gradient_term,
            "distance": 0.0 if estimate.descent is None else estimate.descent.distance,
        }
    return row


def wanted_runs(arguments: argparse.Namespace) -> list[RunResult]:
    """The runs asked for, seed by seed, so that a measurement that is stopped early has whole seeds."""
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    runs = [
        run
        for run in finished_runs(arguments.runs)
        if run.backend == keras.config.backend() and run.recipe.hidden == arguments.hidden and run.recipe.seed in seeds
    ]
    return sorted(runs, key=lambda run: (run.recipe.seed, run.recipe.aux_weight))


def summary(values: list[float], digits: int = 1) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def table(rows: list[dict]) -> str:
    lines = [
        "| AW | seeds | RLCT at the trained weights | nβ·L there | RLCT after descent | nβ·L there | distance |",
        "|---|---|---|---|---|---|---|",
    ]
    weights = sorted({row["aux_weight"] for row in rows})
    means = {}
    for weight in weights:
        group = [row for row in rows if row["aux_weight"] == weight]
        column = {
            (anchor, name): [row[anchor][name] for row in group]
            for anchor in ANCHORS
            for name in ("rlct", "loss", "distance")
        }
        means[weight] = [statistics.mean(column[anchor, "rlct"]) for anchor in ANCHORS]
        cells = [f"{weight:g}", ", ".join(str(row["seed"]) for row in group)]
        for anchor in ANCHORS:
            cells += [summary(column[anchor, "rlct"]), summary(column[anchor, "loss"])]
        lines.append("| " + " | ".join([*cells, summary(column["descend", "distance"], 2)]) + " |")
    for weight in weights[1:]:
        falls = [1 - after / before for before, after in zip(means[weights[0]], means[weight], strict=True)]
        lines.append(
            f"\nFrom AW {weights[0]:g} to {weight:g} the RLCT falls by {falls[0]:.0%} at the trained weights and by "
            f"{falls[1]:.0%} after descent."
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="Folder of runs of this backend.")
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--seeds", default="1-3", help="The first and the last.")
    parser.add_argument(
        "--localizations", default="300,6645", help="γ with nβ = n/ln n. Default: 300, and 6645, γ/nβ as in the paper."
    )
    parser.add_argument("--no-paper", action="store_true", help="Leave out the paper's convention.")
    parser.add_argument("--burn-in", type=int, default=800)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--json", type=Path, help="Write every estimate to this file, after each.")
    arguments = parser.parse_args()
    task, dataset = TASKS["mnist"], datasets.load("mnist")
    conventions = {
        **({} if arguments.no_paper else {"paper": task.recipe.rlct}),
        **{
            f"dataset, γ = {gamma}": ksm.rlct.SamplingSettings(
                localization=float(gamma), burn_in=arguments.burn_in, num_draws=arguments.draws
            )
            for gamma in arguments.localizations.split(",")
        },
    }
    rows = {name: [] for name in conventions}
    for run in wanted_runs(arguments):
        recipe = run.recipe
        # The order of the training samples is that of the run: the paper's convention depends on it.
        order = np.random.default_rng(recipe.seed).permutation(len(dataset.y_train))
        arrays = task.inputs(dataset.x_train[order]), dataset.y_train[order]
        for name, settings in conventions.items():
            start = time.perf_counter()
            row = {"hidden": recipe.hidden, "aux_weight": recipe.aux_weight, "seed": recipe.seed}
            row |= estimates(run.folder, arrays, settings, recipe.seed)
            rows[name].append(row)
            print(name, json.dumps(row), f"{time.perf_counter() - start:.0f} s", flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(rows, indent=1))
    for name, settings in conventions.items():
        nbeta = settings.resolved(len(dataset.y_train), 1, 1.0).inverse_temperature
        print(f"\nConvention {name}, nβ = {nbeta:.1f}\n\n{table(rows[name])}")


if __name__ == "__main__":
    main()
