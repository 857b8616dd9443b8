"""The RLCT (local learning coefficient), estimated by sampling."""

from keras_selfmodel.rlct import exact
from keras_selfmodel.rlct.conventions import Convention, SamplingSettings
from keras_selfmodel.rlct.estimate_rlct import RLCTWarning, estimate_rlct
from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate

__all__ = ["Convention", "RLCTEstimate", "RLCTWarning", "SamplingSettings", "estimate_rlct", "exact"]
