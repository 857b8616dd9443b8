"""Observers of many runs: which network is easier to predict, with statistics over the seeds."""

from keras_selfmodel.studies.observers.groups import ObservedGroup, observed_groups
from keras_selfmodel.studies.observers.matching import MatchedObservers, matched_observers
from keras_selfmodel.studies.observers.observed_run import Observation, ObservedRun
from keras_selfmodel.studies.observers.observing_runs import observe_runs
from keras_selfmodel.studies.observers.reading import observed_rows, observer_reading

__all__ = [
    "MatchedObservers",
    "Observation",
    "ObservedGroup",
    "ObservedRun",
    "matched_observers",
    "observe_runs",
    "observed_groups",
    "observed_rows",
    "observer_reading",
]
