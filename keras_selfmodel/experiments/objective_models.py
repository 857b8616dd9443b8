"""The models of the objectives: each wraps a classifier in what is trained on besides its task."""

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
    ObjectiveModel,
    SelfModelingModel,
    WeightDecayModel,
)

# Seeds differ from those of the classifier's layers, (seed, layer, kernel or bias); the next control takes the next.
HEAD_SEED, SUBSET_SEED, PROJECTION_SEED = 1_000_000, 1_000_001, 1_000_002
# The other network of seed s is that of seed s + 1,000,000, which no sweep reaches.
OTHER_NETWORK = 1_000_000
SUBSET = 0.25


def self_modeling(subject: Subject, **options: Any) -> ObjectiveModel:
    """Predicts the network's own activations, as in the paper; `options` replace those of `SelfModelingModel`."""
    options = {"targets": subject.targets, "seed": (subject.seed, HEAD_SEED), **options}
    return SelfModelingModel(subject.classifier, aux_weight=subject.strength, **options)


def both_gradients(subject: Subject) -> ObjectiveModel:
    """Self-modeling whose gradient enters the targets too."""
    return self_modeling(subject, stop_gradient=False)


def unit_rms(subject: Subject) -> ObjectiveModel:
    """Self-modeling of activations divided by their root mean square."""
    return self_modeling(subject, target_normalization="unit_rms")


def signs(subject: Subject) -> ObjectiveModel:
    """Self-modeling of only the signs of the units."""
    return self_modeling(subject, target_transformation=Signs())


def mean_and_range(subject: Subject) -> ObjectiveModel:
    """Self-modeling of only mean and range over the units."""
    return self_modeling(subject, target_transformation=MeanAndRange())


def fixed_vector(subject: Subject) -> ObjectiveModel:
    """Guesses one learned vector for all samples, whose gradient enters the targets."""
    return self_modeling(subject, head=BiasOnlyHead, stop_gradient=False)


def random_subset(subject: Subject) -> ObjectiveModel:
    """Self-modeling of a quarter of the units, drawn once by the seed of the run."""
    return self_modeling(subject, target_transformation=RandomSubset(SUBSET, (subject.seed, SUBSET_SEED)))


def deep_head(subject: Subject) -> ObjectiveModel:
    """Self-modeling by a head with a hidden layer."""
    return self_modeling(subject, head=partial(DeepSelfPredictionHead, seed=(subject.seed, HEAD_SEED)))


def random_projection(subject: Subject) -> ObjectiveModel:
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
    return self_modeling(subject, targets=projection)


def other_network(subject: Subject) -> ObjectiveModel:
    """Predicts the same layers of a network that is as it was drawn: of this architecture, from another seed."""
    graph = ClassifierGraph(subject.network(subject.seed + OTHER_NETWORK))
    _, activations = graph.read([graph.activation(name) for name in subject.targets])
    activations = keras.Model(graph.functional.input, activations, name="other_network")
    activations.trainable = False
    return self_modeling(subject, targets=activations)


def weight_decay(subject: Subject) -> ObjectiveModel:
    """Adds λ/2 · the sum of all squared weights, λ the strength."""
    return WeightDecayModel(subject.classifier, subject.strength)


def last_layer_decay(subject: Subject) -> ObjectiveModel:
    """Adds λ/2 · the sum of the final layer's squared weights, λ the strength."""
    final = ClassifierGraph(subject.classifier).final_call.path
    return WeightDecayModel(subject.classifier, subject.strength, layers=final)


def dropout(subject: Subject) -> ObjectiveModel:
    """Drops units before the final layer; the strength is the rate."""
    return DropoutModel(subject.classifier, subject.strength, seed=subject.seed)


def activation_regularization(subject: Subject) -> ObjectiveModel:
    """Adds the mean square of the targets' activations times the strength."""
    return ActivationRegularizationModel(subject.classifier, subject.targets, subject.strength)
