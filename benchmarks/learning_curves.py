"""Trains the networks of the learning curves in docs/what-it-buys.md, and prints what they lose or gain.

    KERAS_BACKEND=jax python -m benchmarks learning_curves --out sweeps/learning-curves
    ksm report sweeps/learning-curves
    KERAS_BACKEND=jax python -m benchmarks learning_curves --out sweeps/60000 --examples 60000 --matched

MNIST, 64 hidden units, the first 100 to 10,000 training images, a part of their labels wrong, all 10,000 test images;
self-modeling and one strength of two controls. Batches of 20, so that small sets are learned in as many epochs. Runs
that exist in the folder are kept, unfinished ones are continued. All 60,000 images are learned in as many steps as
10,000. With `--matched` the controls have three strengths each, and of each kind the one whose mean accuracy is nearest
to that of the AW is compared with it too.

Tests: of each number of samples, label noise and AW, test loss, accuracy, gap (accuracy in the last epoch of training,
on labels with their noise, minus that on the test data) and calibration error against the baseline of the same seed,
two-sided, with Holm's correction over all of them. A setting is in no test if the accuracy of one of its networks lies
20 points or more below the baseline's mean. The tests against controls are corrected on their own.
"""

import argparse
import math
from collections import defaultdict
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from benchmarks._comparing import Measure, collapsed, print_differences, table_head, table_row
from benchmarks.what_it_buys import at_strengths
from keras_selfmodel import datasets, experiments
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
    parser.add_argument("--matched", action="store_true", help="Controls of three strengths, at the nearest accuracy.")
    parser.add_argument("--seeds", type=int, default=5, help="How many, from 1 on. Default: 5.")
    arguments = parser.parse_args()
    dataset = datasets.load("mnist")
    of: dict[tuple, dict[tuple, dict[int, Network]]] = defaultdict(lambda: defaultdict(dict))
    strengths = MATCHED if arguments.matched else STRENGTHS
    for examples, label_noise in product(map(int, arguments.examples.split(",")), LABEL_NOISE):
        data = first_samples(dataset, examples)
        seeds = range(1, arguments.seeds + 1)
        planned = [one for seed in seeds for one in recipes(examples, label_noise, strengths, seed)]
        plan = experiments.plan_sweep(planned, data, arguments.out / f"{examples}-{label_noise:g}")
        result = experiments.sweep(plan, data, workers=1)
        for name, reason in result.failures.items():
            print(f"{name}: {reason}")
        for run in result.results:
            setting = run.recipe.objective, run.recipe.aux_weight
            of[examples, label_noise][setting][run.recipe.seed] = measured(run, data)
    print_tables(of, arguments.matched)


def print_tables(of: dict[tuple, dict[tuple, dict[int, Network]]], matched: bool) -> None:
    measures = (LOSS, ACCURACY, GAP, ECE, BRIER, SPREAD, RLCT)
    print(table_head("samples", "noise", "objective", "strength", *(measure.title for measure in measures)))
    pairs, with_controls = {}, {}
    for (examples, label_noise), settings in of.items():
        baseline = settings[SELF_MODELING, 0]
        for (objective, strength), networks in settings.items():
            where = f"{examples:,}", f"{label_noise:g}"
            cells = [measure.mean(networks.values()) for measure in measures]
            print(table_row(*where, objective if strength else "baseline", f"{strength:g}", *cells))
            if objective == SELF_MODELING and strength and not collapsed(networks, baseline, "accuracy"):
                pairs[*where, f"{strength:g}"] = networks, baseline
                for control in nearest_controls(networks, settings) if matched else ():
                    with_controls[*where, f"{strength:g}", f"{control[0]} {control[1]:g}"] = networks, settings[control]
    print("\nSelf-modeling minus the baseline, paired by seed:")
    print_differences(("samples", "noise", "AW"), pairs, (LOSS, ACCURACY, GAP, ECE))
    if matched:
        print("\nSelf-modeling minus the control of nearest accuracy, paired by seed:")
        print_differences(("samples", "noise", "AW", "control"), with_controls, (LOSS, ACCURACY, GAP, ECE))


def nearest_controls(networks: dict[int, Network], settings: dict[tuple, dict[int, Network]]) -> list[tuple]:
    """Of each kind of control the setting whose mean accuracy is nearest to that of these networks."""
    mean = {name: np.mean([network.accuracy for network in of.values()]) for name, of in settings.items()}
    wanted = np.mean([network.accuracy for network in networks.values()])
    kinds = {objective for objective, _ in settings} - {SELF_MODELING}
    return [
        min((name for name in settings if name[0] == kind), key=lambda name: abs(mean[name] - wanted))
        for kind in sorted(kinds)
    ]


if __name__ == "__main__":
    main()
