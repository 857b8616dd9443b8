"""The normal numbers that drive the chains have the distribution they should have."""

import math

import numpy as np
import pytest
from keras import ops

from keras_selfmodel import transforms


@pytest.fixture(scope="module", params=[False, True], ids=["as it is", "fused"])
def numbers(request):
    # An odd count, so that no transform of pairs comes out even.
    arrays = [ops.zeros((3, 333, 101)), ops.zeros((7,))]

    def draw(key, arrays):
        key, drawn = transforms.normals(key, arrays)
        return key, list(drawn)

    key, drawn = transforms.jit(draw, fuse=request.param)(transforms.random_key(5), arrays)
    _, again = transforms.jit(draw, fuse=request.param)(key, arrays)
    assert [tuple(d.shape) for d in drawn] == [(3, 333, 101), (7,)]
    return [ops.convert_to_numpy(d[0]).astype("float64").ravel() for d in (drawn, again)]


def test_their_distribution_is_the_normal_one(numbers):
    for values in numbers:
        expected = np.array([0.5 * (1 + math.erf(v / 2**0.5)) for v in np.sort(values)])
        found = (np.arange(len(values)) + 0.5) / len(values)
        # Kolmogorov: exceeded once in a thousand.
        assert np.abs(expected - found).max() < 1.95 / len(values) ** 0.5


def test_their_moments_are_right_to_the_fourth(numbers):
    for values in numbers:
        # The variance of zᵏ is E z²ᵏ − (E zᵏ)²; four standard errors.
        for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            assert np.mean(values**power) == pytest.approx(mean, abs=4 * (variance / len(values)) ** 0.5)


def test_they_are_independent(numbers):
    first, second = numbers
    half = (len(first) + 1) // 2
    pairs = [(first, second), (first[:-1], first[1:]), (first[: len(first) - half], first[half:])]
    for one, other in pairs:
        # Also of their squares, which share the radius of a pair.
        for a, b in ((one, other), (one**2, other**2)):
            assert abs(np.corrcoef(a, b)[0, 1]) < 4 / len(a) ** 0.5
