"""The fourth stage: a trained network is measured."""

from dataclasses import dataclass
from functools import partial

import keras

from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.rlct_problems import rlct_problem
from keras_selfmodel.experiments.stages.context import RunContext
from keras_selfmodel.experiments.training.trainer import Trainer
from keras_selfmodel.rlct import RLCTEstimate
from keras_selfmodel.rlct.progress_bar import Reports
from keras_selfmodel.rlct.verdict import at_no_minimum

# The anchors of a run's estimates, and the part of its time that each takes.
PARTS = {"trained": "RLCT", "descend": "RLCT after descent"}


@dataclass(frozen=True)
class Measures:
    """The measures of a network.

    Attributes:
        tested: On the test data, as `Trainer.evaluate` names it.
        estimates: The RLCT by anchor; empty if it is left out, that after descent only where it is needed or wanted.
    """

    tested: dict[str, float]
    estimates: dict[str, RLCTEstimate]


def measured(run: RunContext, model: keras.Model, trainer: Trainer) -> Measures:
    """Measures a trained network on the test data, and its RLCT on the training data."""
    run.progress.phase("measuring on the test data")
    with run.stopwatch.part("measuring"):
        tested = trainer.evaluate(model)
    if run.recipe.rlct is None:
        return Measures(tested, {})
    estimates, steps = {}, {"trained": run.progress.sampling, "descend": run.progress.descended}
    reports = {anchor: Reports(progress=steps[anchor], phase=partial(_phase, run, PARTS[anchor])) for anchor in PARTS}
    with run.stopwatch.part(PARTS["trained"]):  # what is compiled serves both
        problem = rlct_problem(run.recipe, model, trainer.training_samples())
        estimates["trained"] = problem.estimate(
            run.recipe.rlct, checkpoint=run.files.sampling("trained"), reports=reports["trained"]
        )
    if not also_after_descent(run.recipe, estimates["trained"]):
        return Measures(tested, estimates)
    with run.stopwatch.part(PARTS["descend"]):
        estimates["descend"] = problem.estimate(
            run.recipe.rlct, anchor="descend", checkpoint=run.files.sampling("descend"), reports=reports["descend"]
        )
    return Measures(tested, estimates)


def also_after_descent(recipe: Recipe, estimate: RLCTEstimate) -> bool:
    """Whether a run whose RLCT at the trained weights is this one needs, or wants, that after descent too."""
    return recipe.descend or at_no_minimum(estimate)


def _phase(run: RunContext, part: str, words: str) -> None:
    run.progress.phase(f"{part}: {words}")
