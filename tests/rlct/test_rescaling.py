"""A ReLU network whose layers are scaled against each other is the same function, and has the same RLCT."""

import math

import numpy as np
import pytest

import keras_selfmodel as ksm
from tests.rlct.quiet import quietly
from tests.rlct.regression import half_squared_error

NBETA, GAMMA = 300.0, 1.0


def network(scale):
    """Three ReLU units in three directions; their layer is multiplied by `scale`, the next one divided by it."""
    angles = 2 * np.pi * np.arange(3) / 3 + 0.3
    kernel, bias = np.stack([np.cos(angles), np.sin(angles)]), np.array([0.3, -0.2, 0.1])
    model = ksm.models.mlp(3, inputs=2, classes=1)
    model.set_weights([scale * kernel, scale * bias, np.array([[1.5], [-2.0], [1.0]]) / scale, np.array([0.2])])
    return model


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = (2 * rng.normal(size=(300, 2))).astype("float32")
    return x, (network(1.0).predict(x, verbose=0) + rng.normal(size=(300, 1))).astype("float32")


@pytest.fixture(scope="module")
def estimates(data):
    """Estimates without any setting of step size or friction, of the network as it is and scaled by 2."""
    given = {"loss": half_squared_error, "anchor": "descend", "batch_size": 300, "inverse_temperature": NBETA}
    given |= {"localization": GAMMA, "num_chains": 4, "burn_in": 800, "num_draws": 1500, "seed": 1}
    return {scale: quietly(network(scale), data, **given) for scale in (1.0, 2.0)}


def gaussian_value(model, x):
    """½ Σ nβh/(nβh + γ) over the eigenvalues h of the Fisher matrix: E[λ̂] in the Gaussian approximation."""
    kernel, bias, second, _ = (w.astype(float) for w in model.get_weights())
    before = x @ kernel + bias
    active = before > 0
    of_bias = active * second[:, 0]
    of_kernel = (x[:, :, None] * of_bias[:, None, :]).reshape(len(x), -1)
    jacobian = np.concatenate([of_kernel, of_bias, active * before, np.ones((len(x), 1))], axis=1)
    curvature = NBETA * np.linalg.eigvalsh(jacobian.T @ jacobian / len(x))
    return float(np.sum(0.5 * curvature / (curvature + GAMMA)))


def test_the_function_is_the_same(data):
    x, _ = data
    np.testing.assert_allclose(network(2.0).predict(x, verbose=0), network(1.0).predict(x, verbose=0), atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_each_estimate_is_honest(estimates, data, scale):
    # Of 13 weights, three are scales of units against the next layer, without effect: λ = 10/2, less what the
    # localization takes from directions of little curvature.
    estimate, exact = estimates[scale], gaussian_value(network(scale), data[0])
    assert 0.96 * 5 < exact < 5
    # The Gaussian approximation leaves 2 %: kinks of the ReLU, scales that drift, w* beside the true weights. Three
    # standard errors, because the scales are remembered for longer than the stretches by which these are measured.
    assert estimate.value == pytest.approx(exact, abs=3 * estimate.std_error + 0.02 * exact)
    # The sampling error, and what γ decides: a tenth where the verdict is reliable; a wider bar says so.
    assert 0 < estimate.std_error < (0.1 if estimate.verdict == "reliable" else 0.15) * 5
    assert estimate.verdict in ("reliable", "doubtful")
    assert estimate.descent.steps > 0 and estimate.gradient_term < 0.05


def test_both_estimates_agree(estimates, data):
    one, two = estimates[1.0], estimates[2.0]
    localization = gaussian_value(network(1.0), data[0]) - gaussian_value(network(2.0), data[0])
    assert 0 < localization < 0.1  # which is the same for all weights, and so is not the same for both networks
    tolerance = 3 * math.hypot(one.std_error, two.std_error) + localization
    assert one.value == pytest.approx(two.value, abs=tolerance)
