"""Trains the networks of the learning curves in docs/what-it-buys.md, and prints what they lose or gain.

    KERAS_BACKEND=jax python -m benchmarks learning_curves --out sweeps/learning-curves
    ksm report sweeps/learning-curves
    KERAS_BACKEND=jax python -m benchmarks learning_curves --out sweeps/60000 --examples 60000 --matched

MNIST, 64 hidden units, the first 100 to 10,000 training images, a part of their labels wrong, all 10,000 test images;
self-modeling and one strength of two controls. Batches of 20, so that small sets are learned in as many epochs. Runs
that exist in the folder are kept, unfinished ones are continued. All 60,000 images are learned in as many steps as
10,000. With `--matched` the controls have three strengths each, and self-modeling is also compared with what they reach
at its accuracy, as by `ksm report`: see `studies.matched_comparisons`.

Tests: of each number of samples, label noise and AW, test loss, accuracy, gap (accuracy in the last epoch of training,
on labels with their noise, minus that on the test data) and calibration error against the baseline of the same seed,
two-sided, with Holm's correction over all of them. A setting is in no test if the accuracy of one of its networks lies
20 points or more below the baseline's mean.
"""

import argparse
import math
from collections import defaultdict
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import keras

from benchmarks._comparing import Measure, collapsed, print_differences, table_head, table_row
from benchmarks.what_it_buys import at_strengths
from keras_selfmodel import datasets, experiments, studies
from keras_selfmodel._number_texts import NOTHING
from keras_selfmodel.compression import brier_score, expected_calibration_error
from keras_selfmodel.experiments import Recipe, RunResult, spread_history
from keras_selfmodel.experiments.objectives import SELF_MODELING
from keras_selfmodel.studies.stored_run import StoredRun

STRENGTHS = {SELF_MODELING: (0, 1, 10, 50), "dropout": (0.5,), "last-layer-decay": (0.03,)}
MATCHED = STRENGTHS | {"dropout": (0.1, 0.25, 0.5), "last-layer-decay": (0.003, 0.01, 0.03)}
EPOCHS = {100: 30, 1_000: 30, 10_000: 30, 60_000: 5}
LABEL_NOISE = (0.0, 0.2, 0.4)
BATCH_SIZE = 20
RLCT_BATCH_SIZE, DRAWS = 100, 100


def recipes(examples: int, label_noise: float, strengths: dict, seed: int) -> list[Recipe]:
    paper = experiments.find_task("mnist").recipe
    rlct = replace(paper.rlct, num_draws=DRAWS, burn_in=DRAWS, batch_size=RLCT_BATCH_SIZE)
    settings = {"epochs": EPOCHS[examples], "batch_size": BATCH_SIZE, "label_noise": label_noise, "rlct": rlct}
    return at_strengths(replace(paper, hidden=64, seed=seed, **settings), strengths)


def first_samples(dataset: datasets.Dataset, examples: int) -> datasets.Dataset:
    """The first training samples, and all for the test."""
    few = datasets.limited(dataset, examples)
    return replace(few, x_test=dataset.x_test, y_test=dataset.y_test)


class Network(NamedTuple):
    """What is told of a network: the RLCT is `None` where it is not to be used, the gap without a history."""

    loss: float
    accuracy: float
    gap: float | None
    calibration_error: float
    brier_score: float
    spread: float | None
    rlct: float | None


LOSS, ACCURACY = Measure("loss", "loss"), Measure("accuracy", "accuracy / %", 100, 1)
GAP, ECE = Measure("gap", "gap / %", 100, 1), Measure("calibration_error", "ECE / %", 100, 1)
BRIER, SPREAD, RLCT = Measure("brier_score", "Brier score"), Measure("spread", "spread"), Measure("rlct", "RLCT", 1, 1)


def measured(result: RunResult, dataset: datasets.Dataset) -> Network:
    run = StoredRun(result)
    logits = run.model.predict(run.task.inputs(dataset.x_test), batch_size=1_000, verbose=0)
    of_classes = keras.losses.sparse_categorical_crossentropy(dataset.y_test, logits, from_logits=True)
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    in_training = spread_history(result).accuracy
    return Network(
        loss=float(keras.ops.mean(of_classes)),
        accuracy=result.accuracy,
        gap=None if math.isnan(in_training) else in_training - result.accuracy,
        calibration_error=expected_calibration_error(probabilities, dataset.y_test),
        brier_score=brier_score(probabilities, dataset.y_test),
        spread=result.weight_spread,
        rlct=result.number("rlct"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--examples", default="100,1000,10000", help="Also 60000. Default: 100,1000,10000.")
    parser.add_argument("--matched", action="store_true", help="Controls of three strengths, at the same accuracy.")
    parser.add_argument("--seeds", type=int, default=5, help="How many, from 1 on. Default: 5.")
    arguments = parser.parse_args()
    dataset = datasets.load("mnist")
    of: dict[tuple, dict[tuple, dict[int, Network]]] = defaultdict(lambda: defaultdict(dict))
    network_of: dict[Path, Network] = {}
    results_of: dict[tuple, list[RunResult]] = {}
    strengths = MATCHED if arguments.matched else STRENGTHS
    numbers = list(map(int, arguments.examples.split(",")))
    if not set(numbers) <= set(EPOCHS):
        parser.error(f"--examples takes {', '.join(map(str, EPOCHS))}. Received: {arguments.examples}")
    for examples, label_noise in product(numbers, LABEL_NOISE):
        data = first_samples(dataset, examples)
        seeds = range(1, arguments.seeds + 1)
        planned = [one for seed in seeds for one in recipes(examples, label_noise, strengths, seed)]
        plan = experiments.plan_sweep(planned, data, arguments.out / f"{examples}-{label_noise:g}")
        result = experiments.sweep(plan, data, workers=1)
        for name, reason in result.failures.items():
            print(f"{name}: {reason}")
        for run in result.results:
            setting = run.recipe.objective, run.recipe.aux_weight
            network_of[run.folder] = measured(run, data)
            of[examples, label_noise][setting][run.recipe.seed] = network_of[run.folder]
        results_of[examples, label_noise] = result.results
    print_tables(of)
    if arguments.matched:
        for (examples, label_noise), results in results_of.items():
            print_matched(f"{examples:,} samples, label noise {label_noise:g}", results, network_of)


def print_tables(of: dict[tuple, dict[tuple, dict[int, Network]]]) -> None:
    measures = (LOSS, ACCURACY, GAP, ECE, BRIER, SPREAD, RLCT)
    print(table_head("samples", "noise", "objective", "strength", *(measure.title for measure in measures)))
    pairs = {}
    for (examples, label_noise), settings in of.items():
        baseline = settings[SELF_MODELING, 0]
        for (objective, strength), networks in settings.items():
            where = f"{examples:,}", f"{label_noise:g}"
            cells = [measure.mean(networks.values()) for measure in measures]
            print(table_row(*where, objective if strength else "baseline", f"{strength:g}", *cells))
            if objective == SELF_MODELING and strength and not collapsed(networks, baseline, "accuracy"):
                pairs[*where, f"{strength:g}"] = networks, baseline
    print("\nSelf-modeling minus the baseline, paired by seed:")
    print_differences(("samples", "noise", "AW"), pairs, (LOSS, ACCURACY, GAP, ECE))


def print_matched(title: str, results: list[RunResult], network_of: dict[Path, Network]) -> None:
    """Prints self-modeling minus each control at the accuracy of self-modeling; Holm over what one measure compares."""
    print(f"\nAt the same accuracy, {title}:")
    print(table_head("AW", "control", "measure", "difference", "p (Holm)", "verdict"))
    for found, measure in product(studies.controls(studies.studies_of(results)), (LOSS, ECE, RLCT)):
        for compared in studies.matched_comparisons(found, measure.name, partial(by_seed, network_of, measure.name)):
            p = NOTHING if compared.p_holm is None else f"{compared.p_holm:.3f}"
            difference = measure.text(compared.difference, compared.p_holm)
            print(
                table_row(f"{compared.aux_weight:g}", compared.control, measure.title, difference, p, compared.verdict)
            )


def by_seed(network_of: dict[Path, Network], name: str, group: studies.Group) -> dict[int, float]:
    """An attribute of a group's networks, of those that have it."""
    values = {run.recipe.seed: getattr(network_of[run.folder], name) for run in group.runs}
    return {seed: value for seed, value in values.items() if value is not None}


if __name__ == "__main__":
    main()
