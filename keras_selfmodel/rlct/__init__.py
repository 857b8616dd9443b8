"""The RLCT (local learning coefficient), estimated by sampling."""

from typing import TYPE_CHECKING

from keras_selfmodel._lazy_room import lazily

if TYPE_CHECKING:
    from keras_selfmodel.rlct import exact
    from keras_selfmodel.rlct.calibrating import Calibration, calibrate_rlct
    from keras_selfmodel.rlct.conventions import Convention, SamplingSettings
    from keras_selfmodel.rlct.deep_linear_networks import DeepLinearNetwork, deep_linear_network
    from keras_selfmodel.rlct.estimating import RLCTWarning, estimate_rlct
    from keras_selfmodel.rlct.functions import estimate_of_function
    from keras_selfmodel.rlct.profile_of_localizations import LocalizationProfile
    from keras_selfmodel.rlct.profiles import localization_profile
    from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate
    from keras_selfmodel.rlct.summary import Descent, RLCTSummary

__all__ = [
    "Calibration",
    "Convention",
    "DeepLinearNetwork",
    "Descent",
    "LocalizationProfile",
    "RLCTEstimate",
    "RLCTSummary",
    "RLCTWarning",
    "SamplingSettings",
    "calibrate_rlct",
    "deep_linear_network",
    "estimate_of_function",
    "estimate_rlct",
    "exact",
    "localization_profile",
]

__getattr__, __dir__ = lazily(__name__)
