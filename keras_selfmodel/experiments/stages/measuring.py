"""The fourth stage: a trained network is measured."""

from dataclasses import dataclass

import keras

from keras_selfmodel.experiments.rlct_problems import rlct_problem
from keras_selfmodel.experiments.stages.context import RunContext
from keras_selfmodel.experiments.training.trainer import Trainer
from keras_selfmodel.rlct import RLCTEstimate

# The anchors of a run's estimates, and the part of its time that each takes.
PARTS = {"trained": "RLCT", "descend": "RLCT after descent"}


@dataclass(frozen=True)
class Measures:
    """The measures of a network.

    Attributes:
        tested: On the test data, as `Trainer.evaluate` names it.
        estimates: The RLCT by anchor; empty if it is left out.
    """

    tested: dict[str, float]
    estimates: dict[str, RLCTEstimate]


def measured(run: RunContext, model: keras.Model, trainer: Trainer) -> Measures:
    """Measures a trained network on the test data, and its RLCT on the training data."""
    with run.stopwatch.part("measuring"):
        tested = trainer.evaluate(model)
    if run.recipe.rlct is None:
        return Measures(tested, {})
    estimates, progress = {}, {"trained": run.progress.sampling, "descend": run.progress.descended}
    with run.stopwatch.part(PARTS["trained"]):  # what is compiled serves both
        problem = rlct_problem(run.recipe, model, trainer.training_samples())
        estimates["trained"] = problem.estimate(
            run.recipe.rlct, checkpoint=run.files.sampling("trained"), progress=progress["trained"]
        )
    with run.stopwatch.part(PARTS["descend"]):
        estimates["descend"] = problem.estimate(
            run.recipe.rlct, anchor="descend", checkpoint=run.files.sampling("descend"), progress=progress["descend"]
        )
    return Measures(tested, estimates)
