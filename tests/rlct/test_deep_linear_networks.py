import functools
import itertools
import math

import numpy as np
import pytest

import keras_selfmodel as ksm
from tests.rlct.quiet import quietly

KINDS = ("generic", "singular")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_ranks_and_exact_value(kind, seed):
    network = ksm.rlct.deep_linear_network(3000, kind, seed)
    assert [matrix.shape for matrix in network.weights] == list(itertools.pairwise(network.widths))
    assert network.num_parameters == pytest.approx(3000, rel=0.1)
    ranks = [np.linalg.matrix_rank(matrix, tol=1e-4) for matrix in network.weights]
    product = functools.reduce(np.matmul, network.weights)
    assert np.linalg.matrix_rank(product, tol=1e-4) == network.rank
    if kind == "generic":
        assert ranks == [min(matrix.shape) for matrix in network.weights]
        assert network.rank == min(network.widths)
    else:
        assert set(ranks) == {network.rank}
        assert network.rank < min(network.widths)
    assert network.coefficient.value == ksm.rlct.exact.deep_linear_by_codimension(network.widths, network.rank)
    # n samples tell the true rank: without its least singular value, nβ times the loss would exceed the RLCT's own
    # share of that direction many times. E[x²] = 100/3; the loss is averaged over the outputs.
    least = np.linalg.svd(product, compute_uv=False)[network.rank - 1]
    n = 100_000
    assert n / math.log(n) * 100 / 3 * least**2 / network.widths[-1] > 100


def test_the_model_has_no_loss_on_the_data():
    network = ksm.rlct.deep_linear_network(1000, "singular", 3)
    x, y = network.data(50, seed=1)
    assert (x.shape, y.shape) == ((50, network.widths[0]), (50, network.widths[-1]))
    assert np.abs(x).max() <= 10 and x.std() == pytest.approx(10 / math.sqrt(3), rel=0.1)
    np.testing.assert_allclose(network.model().predict(x, verbose=0), y, atol=1e-3)


def test_a_seed_fixes_everything():
    one, same = (ksm.rlct.deep_linear_network(1000, "generic", 5) for _ in range(2))
    other = ksm.rlct.deep_linear_network(1000, "generic", 6)
    for a, b in zip(one.weights, same.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert other.widths != one.widths
    np.testing.assert_array_equal(one.data(5, 1)[0], same.data(5, 1)[0])


@pytest.mark.parametrize(("wrong", "name"), [((50, "generic", 0), "parameters"), ((500, "regular", 0), "kind")])
def test_wrong_arguments_are_named(wrong, name):
    with pytest.raises(ValueError, match=f"{name}.*Received"):
        ksm.rlct.deep_linear_network(*wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_find_the_exact_value(kind):
    # 20,000 samples instead of the benchmark's 100,000, a fifth of its steps, and eight chains instead of two.
    network = ksm.rlct.deep_linear_network(300, kind, seed=2)
    estimate = quietly(
        network.model(),
        network.data(20_000, seed=2),
        loss="mse",
        batch_size=200,
        num_chains=8,
        burn_in=800,
        num_draws=600,
        seed=2,
    )
    # Two such chains differ by 10 % from time to time, so eight by 3 %; the short burn-in leaves a few per cent more.
    assert estimate.value == pytest.approx(float(network.coefficient.value), rel=0.1)
    # Two gradients a step, because networks of few weights have a control variate, through burn-in, draws, 3/8 as many
    # steps at a second localization and at a higher temperature, and near w* twice as many, which look at curvatures
    # at their start and after 50, 100, 150 and 200 steps. Besides these: all curvatures at w* over some batches; power
    # iterations at w*, after 50, 100, 150, 200, 400 and 600 steps and when the chains cool, the gradient of all data
    # twice, and blocks of 50 steps that were taken back. The curvature along the gradient takes two more, unless the
    # gradient at the true weights is exactly zero.
    steps = 2 * 8 * (1400 + 4 * 225)
    at_anchor = 2 * network.num_parameters * (8000 // (2 * network.num_parameters)) + 2 * 100
    iterations = 8 * 2 * (20 + 7 * 4 + 20 + 4 * 4)
    blocks, rest = divmod(estimate.gradient_evaluations - steps - iterations - at_anchor, 2 * 8 * 50)
    assert blocks in (0, 1, 2) and rest in (0, 2)
