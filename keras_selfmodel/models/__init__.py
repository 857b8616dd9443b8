"""The self-modeling model and the networks it is studied on."""

from keras_selfmodel.models.mlp import mlp
from keras_selfmodel.models.resnet18 import resnet18
from keras_selfmodel.models.self_modeling_model import SelfModelingModel
from keras_selfmodel.models.text_classifier import text_classifier

__all__ = ["SelfModelingModel", "mlp", "resnet18", "text_classifier"]
