import numpy as np
import pytest
from scipy.stats import ttest_rel

from keras_selfmodel.probes.observers import Question
from keras_selfmodel.statistics import holm
from keras_selfmodel.studies.observers import Observation, ObservedRun, observed_groups, observed_rows, observer_reading
from tests.studies.made_up import made_up_run

QUESTION = Question("inputs", "activations")


def _observed(weight, seed, errors, **measures) -> ObservedRun:
    """A network with the errors of observers of rising capacity; `None` where it is constant."""
    observations = [
        Observation(QUESTION, capacity, error, error, 8, 0 if error is None else 5)
        for capacity, error in zip((0, 16), errors, strict=True)
    ]
    return ObservedRun(made_up_run(weight, seed, **measures), tuple(observations))


ERRORS = {
    0.0: [(0.30, 0.10), (0.32, 0.12), (0.31, 0.10), (0.29, 0.13)],
    1.0: [(0.20, 0.11), (0.23, 0.11), (0.20, 0.12), (0.19, 0.11)],
}


@pytest.fixture
def networks() -> list[ObservedRun]:
    return [_observed(weight, seed, errors) for weight, rows in ERRORS.items() for seed, errors in enumerate(rows, 1)]


def test_self_modeling_networks_are_tested_against_the_baseline(networks):
    found = {(group.aux_weight, group.capacity): group for group in observed_groups(networks)}
    errors = {weight: np.array(rows) for weight, rows in ERRORS.items()}
    p = ttest_rel(errors[1.0], errors[0.0]).pvalue
    for place, capacity in enumerate((0, 16)):
        group = found[1.0, capacity]
        assert group.error.mean == pytest.approx(errors[1.0][:, place].mean())
        assert group.difference.estimate.mean == pytest.approx((errors[1.0] - errors[0.0])[:, place].mean())
        assert group.difference.p == pytest.approx(p[place])
        assert group.p_holm == pytest.approx(holm(p)[place])
        assert found[0.0, capacity].difference is None


def test_the_reading_says_what_the_tests_say(networks):
    (sentence,) = observer_reading(observed_groups(networks))
    assert sentence == (
        "mnist, H = 512, inputs → activations: easier to predict: AW 1 (1 of 2 capacities); "
        "no difference beyond chance: AW 1 (1 of 2 capacities)."
    )


def test_constant_networks_are_left_out_and_collapsed_ones_not_tested(networks):
    networks += [_observed(50.0, 1, (None, None), accuracy=0.11), _observed(50.0, 2, (0.01, 0.01), accuracy=0.9)]
    groups = [group for group in observed_groups(networks) if group.aux_weight == 50]
    for group in groups:
        assert (group.networks, group.constant, group.collapsed) == (2, 1, 1)
        assert group.error.mean == 0.01 and group.error.half_width is None
        assert group.difference is None and group.p_holm is None
    assert "not compared, because networks collapsed: AW 50" in observer_reading(observed_groups(networks))[0]


def test_networks_of_other_seeds_are_compared_as_independent(networks):
    (group, _) = [g for g in observed_groups(networks[:4] + networks[5:]) if g.aux_weight == 1]
    assert group.difference.test == "Welch"


def test_without_a_baseline_nothing_is_compared(networks):
    groups = observed_groups(networks[4:])
    assert all(group.difference is None for group in groups)
    assert "because a baseline or seeds are missing" in observer_reading(groups)[0]


def test_there_is_a_row_for_every_observation(networks):
    rows = observed_rows(networks)
    assert len(rows) == 16
    assert rows[1]["source"] == "inputs" and rows[1]["capacity"] == 16 and rows[1]["error"] == 0.10
