"""Searches for settings with keras-tuner, the extra `tune`."""

from keras_selfmodel._internals.keras_tuner import keras_tuner  # noqa: F401  # First: it says what is missing.
from keras_selfmodel.tuning.front import front_figure
from keras_selfmodel.tuning.oracles import SEARCHES
from keras_selfmodel.tuning.score import SCORES, Score
from keras_selfmodel.tuning.search_space import SETTINGS, OneOf, Range, SearchSpace, space_around
from keras_selfmodel.tuning.searching import TuningProgress, tune
from keras_selfmodel.tuning.self_modeling_hyper_model import SelfModelingHyperModel
from keras_selfmodel.tuning.trial_tuner import is_worker
from keras_selfmodel.tuning.trials_table import trials_json
from keras_selfmodel.tuning.tuning_result import Trial, TuningResult

__all__ = [
    "SCORES",
    "SEARCHES",
    "SETTINGS",
    "Score",
    "OneOf",
    "Range",
    "SearchSpace",
    "SelfModelingHyperModel",
    "Trial",
    "TuningProgress",
    "TuningResult",
    "front_figure",
    "is_worker",
    "space_around",
    "trials_json",
    "tune",
]
