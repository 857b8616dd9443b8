import pytest
from scipy.stats import ttest_1samp

from keras_selfmodel.probes.observers import Question
from keras_selfmodel.statistics import holm
from keras_selfmodel.studies.observers import Observation, ObservedRun, matched_observers
from tests.studies.made_up import made_up_run

QUESTION = Question("inputs", "logits")


def _observed(objective, weight, seed, accuracy, error) -> ObservedRun:
    run = made_up_run(weight, seed, objective=objective, accuracy=accuracy)
    return ObservedRun(run, tuple(Observation(QUESTION, c, error + c, error + c, 10, 10) for c in (0, 16)))


# (accuracy, error) of seeds 1 and 2.
NETWORKS = {
    ("self-modeling", 0.0): [(0.98, 0.30), (0.98, 0.32)],
    ("self-modeling", 10.0): [(0.97, 0.20), (0.965, 0.24)],
    ("dropout", 0.5): [(0.96, 0.22), (0.96, 0.20)],
    ("weight-decay", 0.01): [(0.95, 0.10), (0.95, 0.11)],
}


@pytest.fixture
def observed() -> list[ObservedRun]:
    return [
        _observed(objective, weight, seed, accuracy, error)
        for (objective, weight), values in NETWORKS.items()
        for seed, (accuracy, error) in enumerate(values, 1)
    ]


def test_errors_are_compared_at_the_accuracy_of_the_self_modeling_network(observed):
    linear, wider = matched_observers(observed)
    assert (linear.question, linear.capacity, wider.capacity) == (QUESTION, 0, 16)
    dropout, decay = sorted(linear.comparisons, key=lambda one: one.control)
    # Half the way from the baseline to dropout for seed 1, three quarters for seed 2.
    differences = [0.20 - (0.30 + 0.22) / 2, 0.24 - (0.32 + 3 * 0.20) / 4]
    assert dropout.control == "dropout"
    assert dropout.difference.estimate.mean == pytest.approx(sum(differences) / 2)
    assert dropout.difference.p == pytest.approx(ttest_1samp(differences, 0).pvalue)
    assert dropout.p_holm == pytest.approx(holm([dropout.difference.p, decay.difference.p])[0])
    # A third and a half of the way to weight decay: 0.30 − 0.20 / 3 and 0.32 − 0.21 / 2.
    there = [0.30 - 0.20 / 3, 0.32 - 0.21 / 2]
    assert decay.difference.reference == pytest.approx(sum(there) / 2)


def test_each_kind_of_observer_has_its_own_errors(observed):
    linear, wider = matched_observers(observed)
    assert linear.comparisons
    for a, b in zip(linear.comparisons, wider.comparisons, strict=True):
        assert b.difference.reference == pytest.approx(a.difference.reference + 16)


def test_without_other_objectives_there_is_nothing_to_match(observed):
    assert matched_observers(observed[:4]) == []
