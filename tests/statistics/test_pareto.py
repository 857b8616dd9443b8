import numpy as np
import pytest

from keras_selfmodel.statistics import pareto_front


def test_the_front_is_what_no_point_beats():
    """Against the definition, by all pairs; values on a grid, so that there are ties."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        gains, costs = rng.integers(0, 6, (2, 12))
        beaten = (
            (gains[None] >= gains[:, None])
            & (costs[None] <= costs[:, None])
            & ((gains[None] > gains[:, None]) | (costs[None] < costs[:, None]))
        ).any(axis=1)
        front = pareto_front(gains, costs)
        assert sorted(front) == list(np.flatnonzero(~beaten))
        assert (np.diff(costs[front]) >= 0).all()


def test_nothing_has_an_empty_front():
    assert pareto_front([], []) == []


@pytest.mark.parametrize(("gains", "costs"), [([1.0], []), ([1.0, float("nan")], [1.0, 2.0])])
def test_what_has_no_order_is_refused(gains, costs):
    with pytest.raises(ValueError, match="equally many finite numbers"):
        pareto_front(gains, costs)
