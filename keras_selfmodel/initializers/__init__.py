"""Initial weights that are the same on every backend."""

from keras_selfmodel.initializers.fan_in_uniform import FanInUniform

__all__ = ["FanInUniform"]
