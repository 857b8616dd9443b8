"""The layer that predicts the network's own activations, and the one that a text classifier starts with."""

from keras_selfmodel.layers.mean_pooled_embedding import MeanPooledEmbedding
from keras_selfmodel.layers.self_prediction_head import SelfPredictionHead

__all__ = ["MeanPooledEmbedding", "SelfPredictionHead"]
