"""The RLCT of networks that differ only in their weights: compiled once for all of them."""

import keras
import numpy as np

from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.problem import Problem

# Those of the latest shapes; a sweep goes through a few sizes again and again.
SHAPES = 8
_compiled: dict[tuple, Energy] = {}


def rlct_problem(recipe: Recipe, model: keras.Model, samples: tuple, order: np.ndarray | None = None) -> Problem:
    """What the RLCT of a run's network is estimated from; its programs are those of the runs before with its shape.

    Args:
        recipe: The run's settings. Task and hidden units, with the shapes of the weights, tell the architecture; not
            that of a user's own network, whose function may build another for another seed.
        model: The trained network.
        samples: `(x, y)`, the training samples.
        order: The run's order of the samples, where they are in another, int `(samples,)`.

    Raises:
        ValueError: If the recipe leaves the RLCT out.
    """
    if recipe.rlct is None:
        raise ValueError("The recipe leaves the RLCT out. Give it sampling settings. Received: rlct=None")
    training = recipe.rlct.convention == "paper"
    shape = (recipe.task, recipe.hidden, training, tuple(tuple(v.shape) for v in model.trainable_variables))
    problem = Problem.of(model, samples, training=training, like=_compiled.pop(shape, None), order=order)
    if recipe.network is None:
        _compiled[shape] = problem.energy.without_data()
    while len(_compiled) > SHAPES:
        del _compiled[next(iter(_compiled))]
    return problem
