"""Trains the networks of docs/what-it-buys.md: MNIST, one hidden layer, self-modeling and two controls.

    KERAS_BACKEND=jax python -m benchmarks what_it_buys --out sweeps/what-it-buys
    ksm compress sweeps/what-it-buys --backend jax

Runs that exist in the folder are kept, unfinished ones go on. The chains of the RLCT are a fifth as long as the
paper's.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from keras_selfmodel import datasets, experiments
from keras_selfmodel.experiments import Recipe

STRENGTHS = {"self-modeling": (0, 1, 10, 50), "dropout": (0.5, 0.75, 0.85), "last-layer-decay": (0.03, 0.1)}
EPOCHS, DRAWS = 10, 100


def recipes(seeds: int, hidden: int) -> list[Recipe]:
    """Seed by seed, so that what is stopped early has whole seeds."""
    paper = experiments.find_task("mnist").recipe
    rlct = replace(paper.rlct, num_draws=DRAWS, burn_in=DRAWS)
    common = replace(paper, hidden=hidden, epochs=EPOCHS, rlct=rlct)
    return [one for seed in range(1, seeds + 1) for one in at_strengths(replace(common, seed=seed), STRENGTHS)]


def at_strengths(recipe: Recipe, strengths: Mapping[str, Sequence[float]]) -> list[Recipe]:
    """A recipe with each objective at each of its strengths."""
    return [
        replace(recipe, objective=objective, aux_weight=float(strength))
        for objective, of_it in strengths.items()
        for strength in of_it
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1 on")
    parser.add_argument("--hidden", type=int, default=64, help="hidden units")
    arguments = parser.parse_args()
    dataset = datasets.load("mnist")
    plan = experiments.plan_sweep(recipes(arguments.seeds, arguments.hidden), dataset, arguments.out)
    result = experiments.sweep(plan, dataset, workers=1, together=True)
    for name, reason in result.failures.items():
        print(f"{name}: {reason}")


if __name__ == "__main__":
    main()
