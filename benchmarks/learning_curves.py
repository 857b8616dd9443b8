"""Trains the networks of the learning curves in docs/what-it-buys.md, and prints their calibration.

    KERAS_BACKEND=jax python -m benchmarks learning_curves --out sweeps/learning-curves
    ksm report sweeps/learning-curves

MNIST, 64 hidden units, the first 100 to 10,000 training images, a part of their labels wrong, all 10,000 test images;
self-modeling and one strength of two controls. Batches of 20, so that small sets are learned in as many epochs. Runs
that exist in the folder are kept, unfinished ones are continued.
"""

import argparse
from collections import defaultdict
from dataclasses import replace
from itertools import product
from pathlib import Path

import keras

from benchmarks.what_it_buys import at_strengths
from keras_selfmodel import datasets, experiments
from keras_selfmodel._number_texts import with_error
from keras_selfmodel.compression import brier_score, expected_calibration_error
from keras_selfmodel.experiments import Recipe, RunResult
from keras_selfmodel.statistics import mean_interval
from keras_selfmodel.studies.stored_run import StoredRun

STRENGTHS = {"self-modeling": (0, 1, 10, 50), "dropout": (0.5,), "last-layer-decay": (0.03,)}
EXAMPLES, LABEL_NOISE = (100, 1_000, 10_000), (0.0, 0.2, 0.4)
EPOCHS, BATCH_SIZE = 30, 20
RLCT_BATCH_SIZE, DRAWS = 100, 100


def recipes(label_noise: float, seed: int) -> list[Recipe]:
    paper = experiments.find_task("mnist").recipe
    rlct = replace(paper.rlct, num_draws=DRAWS, burn_in=DRAWS, batch_size=RLCT_BATCH_SIZE)
    settings = {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "label_noise": label_noise, "rlct": rlct, "seed": seed}
    return at_strengths(replace(paper, hidden=64, **settings), STRENGTHS)


def first_samples(dataset: datasets.Dataset, examples: int) -> datasets.Dataset:
    """The first training samples, and all for the test."""
    few = datasets.limited(dataset, examples)
    return replace(few, x_test=dataset.x_test, y_test=dataset.y_test)


def calibration(result: RunResult, dataset: datasets.Dataset) -> tuple[float, float]:
    """Expected calibration error and Brier score on the test data."""
    run = StoredRun(result)
    logits = run.model.predict(run.task.inputs(dataset.x_test), batch_size=1_000, verbose=0)
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    return expected_calibration_error(probabilities, dataset.y_test), brier_score(probabilities, dataset.y_test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5, help="How many, from 1 on. Default: 5.")
    arguments = parser.parse_args()
    dataset = datasets.load("mnist")
    print("| samples | label noise | objective | strength | seeds | ECE / % | Brier score |\n" + "|---" * 7 + "|")
    for examples, label_noise in product(EXAMPLES, LABEL_NOISE):
        data = first_samples(dataset, examples)
        planned = [one for seed in range(1, arguments.seeds + 1) for one in recipes(label_noise, seed)]
        plan = experiments.plan_sweep(planned, data, arguments.out / f"{examples}-{label_noise:g}")
        result = experiments.sweep(plan, data, workers=1)
        for name, reason in result.failures.items():
            print(f"{name}: {reason}")
        found: dict[tuple[str, float], list[tuple[float, float]]] = defaultdict(list)
        for run in result.results:
            found[run.recipe.objective, run.recipe.aux_weight].append(calibration(run, data))
        for (objective, strength), values in found.items():
            ece, brier = (mean_interval(column) for column in zip(*values, strict=True))
            print(
                f"| {examples:,} | {label_noise:g} | {objective} | {strength:g} | {len(values)} "
                f"| {with_error(100 * ece.mean, ece.half_width and 100 * ece.half_width, 2)} "
                f"| {with_error(brier.mean, brier.half_width, 4)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
