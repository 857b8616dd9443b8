"""Studies of many runs: groups over seeds, claims, controls, matched accuracy, the paper's values."""

from typing import TYPE_CHECKING

from keras_selfmodel._lazy_room import lazily

if TYPE_CHECKING:
    from keras_selfmodel.studies.beside import ComparedMeasure, SideBySide, side_by_side
    from keras_selfmodel.studies.claim import Answer, Claim
    from keras_selfmodel.studies.collapse import collapsed_runs, has_collapsed
    from keras_selfmodel.studies.compared_objectives import Controls, controls
    from keras_selfmodel.studies.comparison import Comparison, all_comparisons, comparisons
    from keras_selfmodel.studies.grouping import paper_studies, studies_of
    from keras_selfmodel.studies.learning import LearningCurves, LearningPoint, learning_curves, learning_rows
    from keras_selfmodel.studies.matched_accuracy import MATCHED, METHOD, MatchedComparison, matched_comparisons
    from keras_selfmodel.studies.measures import MEASURES, Measure, find_measure
    from keras_selfmodel.studies.paper_values import PaperComparison, paper_comparisons, paper_of
    from keras_selfmodel.studies.run_identity import IdentifiedRun, identify_runs, identity_of_run
    from keras_selfmodel.studies.statements import STATEMENTS, claims
    from keras_selfmodel.studies.stored_run import StoredRun
    from keras_selfmodel.studies.study import Group, Series, Study
    from keras_selfmodel.studies.training_data import examples_of_runs, samples_of_network

__all__ = [
    "Answer",
    "Claim",
    "Comparison",
    "Controls",
    "Group",
    "IdentifiedRun",
    "LearningCurves",
    "LearningPoint",
    "MATCHED",
    "MEASURES",
    "METHOD",
    "MatchedComparison",
    "Measure",
    "ComparedMeasure",
    "PaperComparison",
    "STATEMENTS",
    "Series",
    "SideBySide",
    "StoredRun",
    "Study",
    "all_comparisons",
    "claims",
    "collapsed_runs",
    "comparisons",
    "controls",
    "examples_of_runs",
    "find_measure",
    "has_collapsed",
    "identify_runs",
    "identity_of_run",
    "learning_curves",
    "learning_rows",
    "matched_comparisons",
    "paper_comparisons",
    "paper_of",
    "paper_studies",
    "samples_of_network",
    "side_by_side",
    "studies_of",
]

__getattr__, __dir__ = lazily(__name__)
