import itertools

import pytest

from keras_selfmodel.statistics import holm


def test_a_worked_example():
    # 4·0.005, 3·0.01, 2·0.03, and 1·0.04 raised to its predecessor's 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_it_rejects_exactly_what_the_step_down_procedure_rejects():
    # Holm's own formulation: reject in rising order while p₍ᵢ₎ ≤ α/(m − i + 1).
    for p_values in itertools.product([0.004, 0.013, 0.02, 0.03, 0.2], repeat=4):
        rejected, places = set(), sorted(range(4), key=lambda place: p_values[place])
        for rank, place in enumerate(places):
            if p_values[place] > 0.05 / (4 - rank):
                break
            rejected.add(place)
        assert {place for place, p in enumerate(holm(p_values)) if p <= 0.05 + 1e-12} == rejected


def test_one_test_needs_no_correction():
    assert holm([0.04]) == [0.04]


def test_no_p_value_exceeds_one():
    assert holm([0.9, 0.8, 0.7]) == [1.0, 1.0, 1.0]


def test_an_empty_family_is_empty():
    assert holm([]) == []


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="0 … 1"):
        holm([0.1, p])
