"""Networks that predict their own activations, and what that does to their complexity."""

from keras_selfmodel import callbacks, initializers, layers, metrics, models, rlct, words
from keras_selfmodel._version import __version__
from keras_selfmodel.metrics import weight_spread
from keras_selfmodel.models import SelfModelingModel
from keras_selfmodel.rlct import estimate_rlct

__all__ = [
    "SelfModelingModel",
    "__version__",
    "callbacks",
    "estimate_rlct",
    "initializers",
    "layers",
    "metrics",
    "models",
    "rlct",
    "weight_spread",
    "words",
]
