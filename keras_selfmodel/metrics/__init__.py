"""How narrow the final layer's weights are, and how well a network predicts itself."""

from keras_selfmodel.metrics.self_prediction_r2 import SelfPredictionR2
from keras_selfmodel.metrics.spread import Spread, spread_of, weight_spread

__all__ = ["SelfPredictionR2", "Spread", "spread_of", "weight_spread"]
