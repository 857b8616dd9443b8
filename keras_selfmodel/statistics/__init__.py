"""Statistics of numbers: intervals, differences, trends, corrections, fronts."""

from keras_selfmodel.statistics.correlation import RankCorrelation, rank_correlation
from keras_selfmodel.statistics.differences import Difference, difference
from keras_selfmodel.statistics.interval import Interval, mean_interval
from keras_selfmodel.statistics.multiple_tests import holm
from keras_selfmodel.statistics.pareto import pareto_front
from keras_selfmodel.statistics.trend import Trend, spearman_trend

__all__ = [
    "Difference",
    "Interval",
    "RankCorrelation",
    "Trend",
    "difference",
    "holm",
    "mean_interval",
    "pareto_front",
    "rank_correlation",
    "spearman_trend",
]
