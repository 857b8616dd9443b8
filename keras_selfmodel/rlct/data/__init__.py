"""The samples that the estimator draws its batches from, out of whatever `fit` takes."""

from keras_selfmodel.rlct.data.samples import MEMORY_LIMIT, Samples, TrainingData
from keras_selfmodel.rlct.data.sources import Reading, each_observed, samples_of

__all__ = ["MEMORY_LIMIT", "Reading", "Samples", "TrainingData", "each_observed", "samples_of"]
