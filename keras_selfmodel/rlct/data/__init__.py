"""The samples that the estimator draws its batches from, out of whatever `fit` takes."""

from keras_selfmodel.rlct.data.samples import MEMORY_LIMIT, Samples, TrainingData
from keras_selfmodel.rlct.data.sources import Reading, check_each, checked_memory_limit, each_observed, samples_of

__all__ = [
    "MEMORY_LIMIT",
    "Reading",
    "Samples",
    "TrainingData",
    "check_each",
    "checked_memory_limit",
    "each_observed",
    "samples_of",
]
