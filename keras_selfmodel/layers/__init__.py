"""The layer that predicts the network's own activations."""

from keras_selfmodel.layers.self_prediction_head import SelfPredictionHead

__all__ = ["SelfPredictionHead"]
