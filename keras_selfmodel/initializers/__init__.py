"""Initial weights that are the same on every backend."""

from keras_selfmodel.initializers.fan_in_uniform import FanInUniform
from keras_selfmodel.initializers.standard_normal import StandardNormal

__all__ = ["FanInUniform", "StandardNormal"]
