"""Statistics over the runs of a sweep: groups, tests, trends, and the paper's claims answered."""

from keras_selfmodel.analysis.activation_statistics import (
    ActivationStatistics,
    activation_statistics,
    live_units,
)
from keras_selfmodel.analysis.claim import Answer, Claim
from keras_selfmodel.analysis.claims import STATEMENTS, claims
from keras_selfmodel.analysis.collapse import collapsed_runs, has_collapsed
from keras_selfmodel.analysis.comparison import Comparison, all_comparisons, comparisons
from keras_selfmodel.analysis.controls import Controls, controls
from keras_selfmodel.analysis.difference import Difference, difference
from keras_selfmodel.analysis.holm import holm
from keras_selfmodel.analysis.identity import EpochIdentity, Identity, identity_of
from keras_selfmodel.analysis.identity_of_run import identity_of_run
from keras_selfmodel.analysis.identity_reading import identity_json, identity_reading, identity_row
from keras_selfmodel.analysis.interval import Interval, mean_interval
from keras_selfmodel.analysis.matched_accuracy import MATCHED, METHOD, MatchedComparison, matched_comparisons
from keras_selfmodel.analysis.measures import MEASURES, Measure, find_measure
from keras_selfmodel.analysis.paper_values import PaperComparison, paper_comparisons, paper_of
from keras_selfmodel.analysis.pareto import pareto_front
from keras_selfmodel.analysis.side_by_side import MeasureBesides, SideBySide, side_by_side
from keras_selfmodel.analysis.stored_run import StoredRun
from keras_selfmodel.analysis.studies import paper_studies, studies
from keras_selfmodel.analysis.study import Group, Series, Study
from keras_selfmodel.analysis.trend import Trend, spearman_trend

__all__ = [
    "MATCHED",
    "MEASURES",
    "METHOD",
    "STATEMENTS",
    "ActivationStatistics",
    "Answer",
    "Claim",
    "Comparison",
    "Controls",
    "Difference",
    "EpochIdentity",
    "Group",
    "Identity",
    "Interval",
    "MatchedComparison",
    "Measure",
    "MeasureBesides",
    "PaperComparison",
    "Series",
    "SideBySide",
    "StoredRun",
    "Study",
    "Trend",
    "activation_statistics",
    "all_comparisons",
    "claims",
    "collapsed_runs",
    "comparisons",
    "controls",
    "difference",
    "find_measure",
    "has_collapsed",
    "holm",
    "identity_json",
    "identity_of",
    "identity_of_run",
    "identity_reading",
    "identity_row",
    "live_units",
    "matched_comparisons",
    "mean_interval",
    "paper_comparisons",
    "paper_of",
    "paper_studies",
    "pareto_front",
    "side_by_side",
    "spearman_trend",
    "studies",
]
