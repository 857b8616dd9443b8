"""Observer networks: what predicts another network, and how it is trained."""

from keras_selfmodel.probes.observers.protocol import QUESTIONS, SAMPLES, ObserverProtocol, Question

__all__ = [
    "ObserverProtocol",
    "QUESTIONS",
    "Question",
    "SAMPLES",
]
