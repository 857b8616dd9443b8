"""Probes look into one network: identity of its self-model, predicted lesions, activation statistics, observers."""

from keras_selfmodel.probes.activations import ActivationStatistics, activation_statistics, live_units
from keras_selfmodel.probes.identity import EpochIdentity, Identity, identity_of
from keras_selfmodel.probes.identity_text import (
    IDENTITY,
    IdentityAlongTraining,
    identity_json,
    identity_reading,
    identity_row,
)
from keras_selfmodel.probes.lesions import PredictedLesions, predicted_lesions
from keras_selfmodel.probes.network_tap import NetworkTap, TappedValues

__all__ = [
    "IDENTITY",
    "IdentityAlongTraining",
    "ActivationStatistics",
    "EpochIdentity",
    "Identity",
    "NetworkTap",
    "PredictedLesions",
    "TappedValues",
    "activation_statistics",
    "identity_json",
    "identity_of",
    "identity_reading",
    "identity_row",
    "live_units",
    "predicted_lesions",
]
