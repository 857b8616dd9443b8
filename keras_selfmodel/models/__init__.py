"""The self-modeling model, the models of other objectives, and the networks that they are studied on."""

from keras_selfmodel.models.activation_regularization_model import ActivationRegularizationModel
from keras_selfmodel.models.divided_weights import model_parallel
from keras_selfmodel.models.dropout_model import DropoutModel
from keras_selfmodel.models.lesion_prediction_model import LesionPredictionModel
from keras_selfmodel.models.objective_model import ObjectiveModel
from keras_selfmodel.models.penalized_model import PenalizedModel
from keras_selfmodel.models.perceptron import mlp
from keras_selfmodel.models.residual_network import resnet18
from keras_selfmodel.models.self_modeling_model import SelfModelingModel
from keras_selfmodel.models.text_network import text_classifier
from keras_selfmodel.models.weight_decay_model import WeightDecayModel

__all__ = [
    "ActivationRegularizationModel",
    "DropoutModel",
    "LesionPredictionModel",
    "ObjectiveModel",
    "PenalizedModel",
    "SelfModelingModel",
    "WeightDecayModel",
    "mlp",
    "model_parallel",
    "resnet18",
    "text_classifier",
]
