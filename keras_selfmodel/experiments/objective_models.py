"""The models of the objectives: each wraps a classifier in what is trained on besides its task.

What an objective is, its `description` in `objectives.OBJECTIVES` says; here are only details that are missing there.
"""

import math
from functools import partial
from typing import Any

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.experiments.objectives import Subject
from keras_selfmodel.initializers import FanInUniform
from keras_selfmodel.layers import BiasOnlyHead, DeepSelfPredictionHead, MeanAndRange, RandomSubset, Signs
from keras_selfmodel.models import (
    ActivationRegularizationModel,
    DropoutModel,
    LesionPredictionModel,
    ObjectiveModel,
    SelfModelingModel,
    WeightDecayModel,
)

# Seeds differ from those of the classifier's layers, (seed, layer, kernel or bias); the next control takes the next.
HEAD_SEED, SUBSET_SEED, PROJECTION_SEED, LESION_SEED = 1_000_000, 1_000_001, 1_000_002, 1_000_003
# The other network of seed s is that of seed s + 1,000,000, which no sweep reaches.
OTHER_NETWORK = 1_000_000
SUBSET = 0.25


def self_modeling(subject: Subject, **options: Any) -> ObjectiveModel:
    """`options` replace those of `SelfModelingModel`."""
    options = {"targets": subject.targets, "seed": (subject.seed, HEAD_SEED), **options}
    return SelfModelingModel(subject.classifier, aux_weight=subject.strength, **options)


def both_gradients(subject: Subject) -> ObjectiveModel:
    return self_modeling(subject, stop_gradient=False)


def unit_rms(subject: Subject) -> ObjectiveModel:
    return self_modeling(subject, target_normalization="unit_rms")


def signs(subject: Subject) -> ObjectiveModel:
    return self_modeling(subject, target_transformation=Signs())


def mean_and_range(subject: Subject) -> ObjectiveModel:
    return self_modeling(subject, target_transformation=MeanAndRange())


def fixed_vector(subject: Subject) -> ObjectiveModel:
    return self_modeling(subject, head=BiasOnlyHead, stop_gradient=False)


def random_subset(subject: Subject) -> ObjectiveModel:
    """The units are drawn once, by the seed of the run."""
    return self_modeling(subject, target_transformation=RandomSubset(SUBSET, (subject.seed, SUBSET_SEED)))


def deep_head(subject: Subject) -> ObjectiveModel:
    return self_modeling(subject, head=partial(DeepSelfPredictionHead, seed=(subject.seed, HEAD_SEED)))


def lesions(subject: Subject) -> ObjectiveModel:
    """Of the units of the last target layer."""
    return LesionPredictionModel(
        subject.classifier, subject.strength, subject.targets[-1], seed=(subject.seed, LESION_SEED)
    )


def random_projection(subject: Subject) -> ObjectiveModel:
    """As many numbers as self-modeling predicts: R·x, the entries of R from U(±1/√inputs)."""
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
    return self_modeling(subject, targets=projection)


def other_network(subject: Subject) -> ObjectiveModel:
    """The same layers of a network of this architecture."""
    graph = ClassifierGraph(subject.network(subject.seed + OTHER_NETWORK))
    _, activations = graph.read([graph.activation(name) for name in subject.targets])
    activations = keras.Model(graph.functional.input, activations, name="other_network")
    activations.trainable = False
    return self_modeling(subject, targets=activations)


def weight_decay(subject: Subject) -> ObjectiveModel:
    return WeightDecayModel(subject.classifier, subject.strength)


def last_layer_decay(subject: Subject) -> ObjectiveModel:
    final = ClassifierGraph(subject.classifier).final_call.path
    return WeightDecayModel(subject.classifier, subject.strength, layers=final)


def dropout(subject: Subject) -> ObjectiveModel:
    return DropoutModel(subject.classifier, subject.strength, seed=subject.seed)


def activation_regularization(subject: Subject) -> ObjectiveModel:
    """Of the layers that self-modeling predicts."""
    return ActivationRegularizationModel(subject.classifier, subject.targets, subject.strength)
