"""Objectives by name: what networks are trained on besides their task. Self-modeling, its variants and controls."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.initializers import FanInUniform
from keras_selfmodel.layers import BiasOnlyHead, DeepSelfPredictionHead, MeanAndRange, RandomSubset, Signs
from keras_selfmodel.models import (
    ActivationRegularizationModel,
    DropoutModel,
    ObjectiveModel,
    SelfModelingModel,
    WeightDecayModel,
)

SELF_MODELING = "self-modeling"
# Seeds differ from those of the classifier's layers, (seed, layer, kernel or bias); the next control takes the next.
HEAD_SEED, SUBSET_SEED, PROJECTION_SEED = 1_000_000, 1_000_001, 1_000_002
# The other network of seed s is that of seed s + 1,000,000, which no sweep reaches.
OTHER_NETWORK = 1_000_000
SUBSET = 0.25

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

    classifier: keras.Model
    targets: tuple[str, ...]
    strength: float
    seed: int
    network: Callable[[int], keras.Model]


@dataclass(frozen=True)
class Objective:
    """What a network is trained on besides its task.

    Attributes:
        name: Its name in recipes and on the command line.
        kind: "self-model", for self-modeling and its variants; "other target", for predicting something else;
            "regularizer", for the classical ones.
        description: What it adds, in a few words.
        model: Wraps a classifier.
        limit: The strength must be below it.
        strength_is_built_in: Whether networks of several strengths are different graphs, which no one program trains.
    """

    name: str
    kind: ObjectiveKind
    description: str
    model: Callable[[Subject], ObjectiveModel]
    limit: float = math.inf
    strength_is_built_in: bool = False


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


def _self_modeling(subject: Subject, **options: Any) -> ObjectiveModel:
    options = {"targets": subject.targets, "seed": (subject.seed, HEAD_SEED), **options}
    return SelfModelingModel(subject.classifier, aux_weight=subject.strength, **options)


def _random_subset(subject: Subject) -> ObjectiveModel:
    return _self_modeling(subject, target_transformation=RandomSubset(SUBSET, (subject.seed, SUBSET_SEED)))


def _deep_head(subject: Subject) -> ObjectiveModel:
    return _self_modeling(subject, head=partial(DeepSelfPredictionHead, seed=(subject.seed, HEAD_SEED)))


def _random_projection(subject: Subject) -> ObjectiveModel:
    """Predicts as many numbers as self-modeling does, R·x with entries of R from U(±1/√inputs)."""
    graph = ClassifierGraph(subject.classifier)
    (inputs,) = graph.functional.inputs
    units = sum(math.prod(graph.activation(name).shape[1:]) for name in subject.targets)
    kernel = FanInUniform((subject.seed, PROJECTION_SEED))
    projection = keras.Sequential(
        [
            keras.Input(inputs.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(units, use_bias=False, kernel_initializer=kernel, name="projection"),
        ],
        name="random_projection",
    )
    projection.trainable = False
    return _self_modeling(subject, targets=projection)


def _other_network(subject: Subject) -> ObjectiveModel:
    """Predicts the same layers of a network that is as it was drawn: of this architecture, from another seed."""
    graph = ClassifierGraph(subject.network(subject.seed + OTHER_NETWORK))
    _, activations = graph.read([graph.activation(name) for name in subject.targets])
    activations = keras.Model(graph.functional.input, activations, name="other_network")
    activations.trainable = False
    return _self_modeling(subject, targets=activations)


def _weight_decay(subject: Subject) -> ObjectiveModel:
    return WeightDecayModel(subject.classifier, subject.strength)


def _last_layer_decay(subject: Subject) -> ObjectiveModel:
    final = ClassifierGraph(subject.classifier).final_call.path
    return WeightDecayModel(subject.classifier, subject.strength, layers=final)


def _dropout(subject: Subject) -> ObjectiveModel:
    return DropoutModel(subject.classifier, subject.strength, seed=subject.seed)


def _activation_regularization(subject: Subject) -> ObjectiveModel:
    return ActivationRegularizationModel(subject.classifier, subject.targets, subject.strength)


OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        Objective(SELF_MODELING, "self-model", "predicts its own activations, as in the paper", _self_modeling),
        Objective(
            "both-gradients",
            "self-model",
            "self-modeling whose gradient enters the target too",
            partial(_self_modeling, stop_gradient=False),
        ),
        Objective(
            "unit-rms",
            "self-model",
            "self-modeling of activations divided by their RMS",
            partial(_self_modeling, target_normalization="unit_rms"),
        ),
        Objective("random-subset", "self-model", "self-modeling of a random quarter of the units", _random_subset),
        Objective(
            "signs",
            "self-model",
            "self-modeling of only the signs of the units",
            lambda subject: _self_modeling(subject, target_transformation=Signs()),
        ),
        Objective(
            "mean-and-range",
            "self-model",
            "self-modeling of only mean and range over the units",
            lambda subject: _self_modeling(subject, target_transformation=MeanAndRange()),
        ),
        Objective("deep-head", "self-model", "self-modeling by a head with a hidden layer", _deep_head),
        Objective(
            "fixed-vector",
            "other target",
            "guesses one learned vector for all samples, whose gradient enters the target",
            partial(_self_modeling, head=BiasOnlyHead, stop_gradient=False),
        ),
        Objective(
            "random-projection",
            "other target",
            "predicts a fixed random projection of the input",
            _random_projection,
        ),
        Objective(
            "other-network",
            "other target",
            "predicts an untrained network of another seed",
            _other_network,
        ),
        Objective("weight-decay", "regularizer", "λ/2 · sum of all squared weights", _weight_decay),
        Objective(
            "last-layer-decay",
            "regularizer",
            "λ/2 · sum of the final layer's squared weights",
            _last_layer_decay,
        ),
        Objective(
            "dropout",
            "regularizer",
            "dropout of this rate before the final layer",
            _dropout,
            limit=1.0,
            strength_is_built_in=True,
        ),
        Objective(
            "activation-regularization",
            "regularizer",
            "mean square of the activations",
            _activation_regularization,
        ),
    )
}
