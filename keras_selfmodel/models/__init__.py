"""The self-modeling model and the networks it is studied on."""

from keras_selfmodel.models.mlp import mlp
from keras_selfmodel.models.self_modeling_model import SelfModelingModel

__all__ = ["SelfModelingModel", "mlp"]
