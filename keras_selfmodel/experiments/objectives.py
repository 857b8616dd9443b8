"""Objectives by name: what networks are trained on besides their task. Self-modeling, its variants and controls."""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import keras

    from keras_selfmodel.models import ObjectiveModel

SELF_MODELING = "self-modeling"
"""Name of the paper's objective."""
ObjectiveKind = Literal["self-model", "other target", "regularizer"]


@dataclass(frozen=True)
class Subject:
    """A classifier before training, and what an objective may need to know of its run.

    Attributes:
        classifier: The classifier.
        targets: Names of the layers whose activations matter.
        strength: The auxiliary weight, > 0.
        seed: Seed of the run.
        network: Builds the same architecture from another seed.
    """

    classifier: "keras.Model"
    targets: tuple[str, ...]
    strength: float
    seed: int
    network: "Callable[[int], keras.Model]"


@dataclass(frozen=True)
class Objective:
    """What a network is trained on besides its task.

    Attributes:
        name: Its name in recipes and on the command line.
        kind: "self-model", for self-modeling and its variants; "other target", for predicting something else;
            "regularizer", for the classical ones.
        description: What it adds, in a few words.
        limit: The strength must be below it.
        strength_is_built_in: Whether networks of several strengths are different graphs, which no one program trains.
    """

    name: str
    kind: ObjectiveKind
    description: str
    limit: float = math.inf
    strength_is_built_in: bool = False

    def model(self, subject: Subject) -> "ObjectiveModel":
        """Wraps a classifier, by the function of the objective's name in `objective_models`.

        That module is imported with the first network that is built: who reads runs needs no Keras.
        """
        models = importlib.import_module("keras_selfmodel.experiments.objective_models")
        return getattr(models, self.name.replace("-", "_"))(subject)


def find_objective(name: str) -> Objective:
    """The objective called `name`.

    Raises:
        ValueError: If there is none.

    Example:

    >>> find_objective("dropout").limit
    1.0
    """
    if name not in OBJECTIVES:
        raise ValueError(f"objective must be one of {', '.join(OBJECTIVES)}. Received: objective={name!r}")
    return OBJECTIVES[name]


OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        Objective(SELF_MODELING, "self-model", "predicts its own activations, as in the paper"),
        Objective("both-gradients", "self-model", "self-modeling whose gradient enters the target too"),
        Objective("unit-rms", "self-model", "self-modeling of activations divided by their RMS"),
        Objective("random-subset", "self-model", "self-modeling of a random quarter of the units"),
        Objective("signs", "self-model", "self-modeling of only the signs of the units"),
        Objective("mean-and-range", "self-model", "self-modeling of only mean and range over the units"),
        Objective("deep-head", "self-model", "self-modeling by a head with a hidden layer"),
        Objective("lesions", "self-model", "predicts what silencing one of its units does to its outputs"),
        Objective(
            "fixed-vector",
            "other target",
            "guesses one learned vector for all samples, whose gradient enters the target",
        ),
        Objective("random-projection", "other target", "predicts a fixed random projection of the input"),
        Objective("other-network", "other target", "predicts an untrained network of another seed"),
        Objective("weight-decay", "regularizer", "λ/2 · sum of all squared weights"),
        Objective("last-layer-decay", "regularizer", "λ/2 · sum of the final layer's squared weights"),
        Objective(
            "dropout",
            "regularizer",
            "dropout of this rate before the final layer",
            limit=1.0,
            strength_is_built_in=True,
        ),
        Objective("activation-regularization", "regularizer", "mean square of the activations"),
    )
}
"""Objectives by name: self-modeling, its variants and the regularizers that it is compared with."""
