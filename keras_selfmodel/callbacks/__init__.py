"""Callbacks for `fit`: what is recorded or changed from epoch to epoch."""

from keras_selfmodel.callbacks.aux_weight_schedule import AuxWeightSchedule
from keras_selfmodel.callbacks.played_back_steps import PlayedBackSteps
from keras_selfmodel.callbacks.rlct import RLCT
from keras_selfmodel.callbacks.weight_spread import WeightSpread

__all__ = ["RLCT", "AuxWeightSchedule", "PlayedBackSteps", "WeightSpread"]
