"""The estimator against values known in closed form."""

import math

import numpy as np
import pytest

import keras_selfmodel as ksm
from tests.rlct.quiet import quietly
from tests.rlct.regression import half_squared_error, linear_network, regression

# Every backend takes single steps of every sampler (test_samplers.py); long chains of these run on one.
UNDERDAMPED, SGNHT, MALA = (pytest.param(s, marks=pytest.mark.long_chains) for s in ("underdamped", "sgnht", "mala"))


@pytest.mark.parametrize("sampler", ["sgld", UNDERDAMPED, SGNHT, MALA])
def test_regular_model_has_half_its_parameters(sampler):
    # Linear regression at the least-squares solution: L(w) = L₀ + ½(w−w*)ᵀH(w−w*), so E[λ̂] = Σ ½ nβh/A with
    # A = nβh + γ. A full-batch chain of SGLD is an autoregressive process of variance 1/(A(1 − εA/4)): exact for every
    # ε. BAOAB has the variance 1/A for every stable ε, as has SGNHT, whose friction stays about A where nothing heats,
    # and MALA whatever its ε.
    n, d = 400, 12
    model, data, hessian = regression(n, d)
    nbeta = n / math.log(n)
    curvature = nbeta * hessian + 1.0
    step = {"sgld": 0.4, "underdamped": 1.0, "sgnht": 1.0, "mala": 0.6}[sampler] / curvature.max()
    estimate = ksm.estimate_rlct(
        model, data, loss=half_squared_error, sampler=sampler, step_size=step, localization=1.0, batch_size=n,
        num_chains=8, num_draws=4000, burn_in=200, seed=1,
    )  # fmt: skip
    exact = np.sum(0.5 * (curvature - 1.0) / curvature)
    longer = 1 - step * curvature / 4 if sampler == "sgld" else 1.0
    with_steps = np.sum(0.5 * (curvature - 1.0) / (curvature * longer))
    assert abs(exact - d / 2) < 0.2
    # 8 × 4000 draws at autocorrelation times up to 2/(εA) ≈ 25: standard error 0.04. Four of them.
    assert estimate.value == pytest.approx(exact, abs=0.16)
    assert estimate.paired_value == pytest.approx(with_steps, abs=0.16)
    assert estimate.sampling_error < 0.1
    assert estimate.warnings == ()
    assert estimate.r_hat < 1.05


@pytest.mark.long_chains
@pytest.mark.parametrize("sampler", ["sgld", "underdamped", "sgnht"])
def test_the_heat_of_small_batches_is_taken_off(sampler):
    # Batches of 32 out of 2000 with unit noise in the labels add εA·nβ/(4B) ≈ 0.4 to a direction with εA = 0.2.
    model, data, hessian = regression(2000, 12, seed=5)
    nbeta = 2000 / math.log(2000)
    estimate = ksm.estimate_rlct(
        model, data, loss=half_squared_error, sampler=sampler, step_size=0.2 / (nbeta * hessian.max()),
        localization=1.0, batch_size=32, num_chains=8, num_draws=4000, burn_in=1000, seed=6,
    )  # fmt: skip
    exact = np.sum(0.5 * nbeta * hessian / (nbeta * hessian + 1.0))
    assert estimate.paired_value > 1.15 * exact
    # Its own standard error is near 1 %; batches without replacement are a little better than the theory's.
    assert estimate.value == pytest.approx(exact, rel=0.05)


def test_without_any_setting_the_exact_value_is_met():
    model, data, _ = regression(2000, 12, seed=7)
    estimate = ksm.estimate_rlct(model, data, loss=half_squared_error, batch_size=200, seed=8)
    assert abs(estimate.value - 6.0) < 4 * estimate.std_error
    # 5 % of the value, of which 2 % are allowed for biases; a sampling error is itself known to a tenth or two.
    assert estimate.std_error < 0.3
    assert estimate.warnings == ()


@pytest.mark.long_chains
@pytest.mark.parametrize(
    ("sampler", "settings", "tolerance"),
    [
        # Chains decorrelate in 2/(εγ) = 100 steps: 16 × 6000 draws have a standard error of 0.25·√(100/96000) = 0.008.
        ("sgld", {"step_size": 2e-3, "batch_size": 100, "num_draws": 6000}, 0.03),
        # Steps 15 times as long, one in ten rejected: 16 × 3000 draws have a standard error of 0.25·√(7/48000) = 0.003.
        ("mala", {"step_size": 0.03, "batch_size": 1000, "num_draws": 3000}, 0.012),
    ],
    ids=["sgld", "mala"],
)
def test_normal_crossing(sampler, settings, tolerance):
    # f(x) = w₂w₁x with y = 0 and x² = 1: L = ½w₁²w₂², a normal crossing with λ = ½, m = 2. At finite nβ the value
    # of E[nβL] under exp(−nβL − γ/2·|w|²) is an integral over w₁ and w₂, done here on a grid.
    n = 1000
    nbeta, localization = n / math.log(n), 10.0
    grid = np.linspace(-2, 2, 2001)
    w1, w2 = np.meshgrid(grid, grid)
    energy = nbeta * 0.5 * (w1 * w2) ** 2
    density = np.exp(-energy - 0.5 * localization * (w1**2 + w2**2))
    exact = float((energy * density).sum() / density.sum())
    assert 0.1 < exact < 0.5  # λ − (m − 1)/ln(nβ) + …, less what the localization takes
    x = np.where(np.arange(n) % 2, 1.0, -1.0).astype("float32")[:, None]
    estimate = quietly(
        linear_network([1, 1, 1], [np.zeros((1, 1)), np.zeros((1, 1))]), (x, np.zeros_like(x)),
        loss=half_squared_error, sampler=sampler, localization=localization, num_chains=16, burn_in=500, seed=2,
        **settings,
    )  # fmt: skip
    assert estimate.value == pytest.approx(exact, abs=tolerance)
    assert estimate.acceptance_rate == 1.0 if sampler == "sgld" else 0.5 < estimate.acceptance_rate < 1.0


@pytest.mark.long_chains
@pytest.mark.parametrize(
    # At the origin the loss is of fourth order: larger steps are stable there, and needed to get away from it.
    ("widths", "rank", "step_size"),
    [((5, 4, 4, 5), 4, 6e-5), ((4, 4, 4), 0, 3e-4)],
    ids=["generic", "singular"],
)
def test_deep_linear_network(widths, rank, step_size):
    # All partial products have the given rank, where the local coefficient is the global one.
    rng = np.random.default_rng(3)

    def directions(size):
        return np.linalg.qr(rng.normal(size=(size, size)))[0][:, :rank]

    bases = [directions(width) for width in widths]
    matrices = [before @ after.T for before, after in zip(bases[:-1], bases[1:], strict=True)]
    n = 4000
    x = rng.normal(size=(n, widths[0]))
    y = np.linalg.multi_dot([x, *matrices])
    estimate = ksm.estimate_rlct(
        linear_network(widths, matrices),
        (x.astype("float32"), y.astype("float32")),
        loss=half_squared_error,
        sampler="sgld",
        step_size=step_size,
        localization=1.0,
        batch_size=1000,
        num_chains=8,
        num_draws=4000,
        burn_in=2000,
        seed=4,
    )
    exact = float(ksm.rlct.exact.deep_linear(widths, rank).value)
    assert exact < 0.5 * sum(matrix.size for matrix in matrices) / 2  # far from the regular value d/2
    # Standard error 2 to 3 % (chains decorrelate in about 100 steps); the step and the finite n add about 3 %.
    assert estimate.value == pytest.approx(exact, rel=0.08)
