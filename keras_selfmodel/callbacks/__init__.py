"""Callbacks for `fit`: what is recorded or changed from epoch to epoch."""

from keras_selfmodel.callbacks.aux_weight_schedule import AuxWeightSchedule
from keras_selfmodel.callbacks.rlct import RLCT
from keras_selfmodel.callbacks.weight_spread import WeightSpread

__all__ = ["RLCT", "AuxWeightSchedule", "WeightSpread"]
