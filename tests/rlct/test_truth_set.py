"""The truth set of benchmarks/truth: its own numbers against each other, and the estimator on its cheap part."""

import numpy as np
import pytest
from truth import cases, superposition, usual_inverse_temperature
from truth.crossings import quadrature
from truth.hamiltonian import finite_value
from truth.measuring import measure
from truth.parabola import quadratic
from truth.summary import case_table, family_table

REFERENCED = [case for case in cases() if case.reference is not None]
CHEAP = [case for case in cases() if case.cheap]


def name_of(case):
    return f"{case.family}: {case.name}"


@pytest.mark.parametrize("case", [c for c in REFERENCED if c.cheap], ids=name_of)
def test_the_sampled_loss_is_the_loss_that_keras_computes(case):
    built = case.build()
    anchor, excess = case.reference()
    weights = anchor + 0.1 * np.random.default_rng(0).normal(size=anchor.shape)
    losses = []
    for vector in (anchor, weights):
        parts = np.split(vector, np.cumsum([w.size for w in built.model.get_weights()])[:-1])
        built.model.set_weights([p.reshape(w.shape) for p, w in zip(parts, built.model.get_weights(), strict=True)])
        built.model.compile(loss=built.loss)
        losses.append(built.model.evaluate(*built.data, batch_size=10_000, verbose=0))
    # The reference integrates over the inputs where the model has 100,000 of them: 1/√n, a few times over.
    assert losses[1] - losses[0] == pytest.approx(excess(weights[None])[0][0], rel=0.02)


@pytest.mark.parametrize("case", REFERENCED, ids=name_of)
def test_the_sampled_gradient_is_that_of_the_loss(case):
    anchor, excess = case.reference()
    rng = np.random.default_rng(1)
    weights, direction = anchor + 0.1 * rng.normal(size=anchor.shape), rng.normal(size=anchor.shape)
    ahead, behind = excess(weights[None] + 1e-5 * direction)[0], excess(weights[None] - 1e-5 * direction)[0]
    assert excess(weights[None])[1][0] @ direction == pytest.approx((ahead - behind)[0] / 2e-5, rel=1e-5)


@pytest.mark.parametrize(
    "case", [c for c in REFERENCED if c.family.startswith(("quadratic", "toy", "ReLU")) and "split" not in c.name],
    ids=name_of,
)  # fmt: skip
def test_where_the_loss_is_a_parabola_half_the_rank_of_the_hessian_is_the_coefficient(case):
    anchor, excess = case.reference()
    away = 1e-5 * np.eye(len(anchor))
    hessian = (excess(anchor + away)[1] - excess(anchor - away)[1]) / 2e-5
    values = np.linalg.eigvalsh((hessian + hessian.T) / 2)[::-1]
    rank = round(2 * case.exact)
    # Those that are 0 are so to the square of the difference's length; the others are far above.
    assert np.abs(values[rank:]).max(initial=0) < 1e-6 * values[0] < 1e-5 * values[0] < values[rank - 1]


@pytest.mark.parametrize("k", [5, 6])
def test_the_polygon_of_superposition_is_a_minimum(k):
    weights, hessian = superposition.optimum(k)
    assert np.abs(superposition.loss_and_gradient(k)(weights[None])[1]).max() < 1e-12
    assert np.linalg.eigvalsh(hessian).min() > -1e-8


def test_the_reference_sampler_finds_what_quadrature_and_a_parabola_give():
    nbeta, curvatures = usual_inverse_temperature(100_000), np.array([1.0, 1e-2, 1e-4])

    def crossing(w):
        f = w[:, 0] * w[:, 1]
        return f**2, 2 * f[:, None] * w[:, ::-1]

    def parabola(w):
        return 0.5 * (curvatures * w**2).sum(axis=1), curvatures * w

    for excess, size, finite in (
        (crossing, 2, quadrature((1, 1), 1.0, 0.0)),
        (parabola, 3, quadratic(curvatures)),
    ):
        found = finite_value(np.zeros(size), excess, nbeta, 3.0, chains=100, draws=300, seed=2)
        exact, _ = finite(nbeta, 3.0)
        assert found["error"] < 0.02 * exact
        assert abs(found["value"] - exact) < 4 * found["error"]


@pytest.mark.parametrize(
    "case",
    [c if "n 1,000" in c.name else pytest.param(c, marks=pytest.mark.slow, id=name_of(c)) for c in CHEAP],
    ids=name_of,
)
def test_the_default_estimate_holds_the_value_at_finite_n_or_is_not_called_reliable(case):
    row = measure(case, case.build(), seed=1)
    assert row["finite"] is not None
    # Four bars, with the sampling error of the reference: one seed of many cases.
    bar = np.hypot(row["std_error"], row["finite_error"])
    assert row["verdict"] != "reliable" or abs(row["value"] - row["finite"]) < 4 * bar


def test_the_tables_count_what_the_rows_say():
    row = {
        "family": "f", "case": "c", "suffices": True, "exact": 2.0, "finite": 1.9, "value": 1.8, "std_error": 0.09,
        "covers_exact": False, "covers_finite": True, "localization": 1.0, "evaluations": 10, "seconds": 2.0,
    }  # fmt: skip
    rows = [{**row, "verdict": "reliable"}, {**row, "verdict": "doubtful", "covers_exact": True}]
    assert "| c | 2 | 1.9 | 1.8 ± 0.09, 1.8 ± 0.09 | rd | 1/2 | 2/2 | 1 | 10 | 2 |" in case_table(rows)
    # One is reliable; it misses λ and holds the finite value.
    assert "| f | 2 | 1 | 0/1 | 1/1 | 1/2 | 5.0% | 10.0% |" in family_table(rows)
