"""How easy trained networks are to predict for others: fresh observer networks, of fixed capacity and budget."""

from keras_selfmodel.analysis.observers.matched_observers import MatchedObservers, matched_observers
from keras_selfmodel.analysis.observers.observation import Observation, ObservedRun
from keras_selfmodel.analysis.observers.observe_runs import observe_runs
from keras_selfmodel.analysis.observers.observed_groups import ObservedGroup, observed_groups
from keras_selfmodel.analysis.observers.protocol import QUESTIONS, ObserverProtocol, Question
from keras_selfmodel.analysis.observers.reading import observed_rows, observer_reading

__all__ = [
    "QUESTIONS",
    "MatchedObservers",
    "Observation",
    "ObservedGroup",
    "ObservedRun",
    "ObserverProtocol",
    "Question",
    "matched_observers",
    "observe_runs",
    "observed_groups",
    "observed_rows",
    "observer_reading",
]
