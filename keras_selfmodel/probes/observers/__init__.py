"""Observer networks: what predicts another network, and how it is trained."""

from keras_selfmodel.probes.observers.protocol import QUESTIONS, ObserverProtocol, Question

__all__ = [
    "ObserverProtocol",
    "QUESTIONS",
    "Question",
]
