"""Heads that predict the network's own activations, what they predict of them, and a text classifier's first layer."""

from keras_selfmodel.layers.bias_only_head import BiasOnlyHead
from keras_selfmodel.layers.deep_self_prediction_head import DeepSelfPredictionHead
from keras_selfmodel.layers.mean_and_range import MeanAndRange
from keras_selfmodel.layers.mean_pooled_embedding import MeanPooledEmbedding
from keras_selfmodel.layers.random_subset import RandomSubset
from keras_selfmodel.layers.self_prediction_head import SelfPredictionHead
from keras_selfmodel.layers.signs import Signs

__all__ = [
    "BiasOnlyHead",
    "DeepSelfPredictionHead",
    "MeanAndRange",
    "MeanPooledEmbedding",
    "RandomSubset",
    "SelfPredictionHead",
    "Signs",
]
