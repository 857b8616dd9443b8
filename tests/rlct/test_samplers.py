"""One step of each sampler against its formulas in NumPy."""

import math

import numpy as np
import pytest
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.samplers import SAMPLERS, Position, Step
from keras_selfmodel.rlct.samplers.sampler import total

STEP, NBETA, GAMMA, FRICTION = 0.02, 30.0, 5.0, 0.3
LOSSES, CHANCE = np.array([0.1, 0.5, 0.2, 0.3]), np.array([-1.0, 0.0, 1.0, 2.0])


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    weights, gradients, normals = ([rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 2))] for _ in range(3))
    return weights, gradients, normals


def tensors(arrays):
    return [ops.convert_to_tensor(np.asarray(a, "float32")) for a in arrays]


def stepped(name, arrays, state=None, losses=LOSSES, step_size=STEP) -> Step:
    """The sampler's step as NumPy arrays; w* is 0.5 everywhere."""
    weights, gradients, normals = (tensors(group) for group in arrays)
    sampler, losses = SAMPLERS[name](), ops.convert_to_tensor(losses.astype("float32"))
    here = Position(
        weights,
        losses,
        gradients,
        lambda i: -NBETA * gradients[i] - GAMMA * (weights[i] - 0.5),
        lambda: NBETA * losses + GAMMA / 2 * sum(total(ops.square(w - 0.5)) for w in weights),
        NBETA,
    )
    step = sampler.step(
        here,
        sampler.start(weights, transforms.random_key(1))[0] if state is None else tensors(state),
        [*normals, *tensors([CHANCE])],
        *tensors([step_size, FRICTION]),
    )
    return Step(
        *([ops.convert_to_numpy(a) for a in x] if isinstance(x, list) else ops.convert_to_numpy(x) for x in step)
    )


def forces_at(weights, gradients):
    return [-NBETA * g - GAMMA * (w - 0.5) for w, g in zip(weights, gradients, strict=True)]


def per_chain(values):
    return sum(v.reshape(4, -1).sum(axis=1) for v in values)


@pytest.mark.parametrize("name", [name for name, sampler in SAMPLERS.items() if sampler.acceptance is None])
def test_samplers_without_rejection_keep_every_draw(name, arrays):
    step = stepped(name, arrays)
    np.testing.assert_array_equal(step.losses, LOSSES.astype("float32"))
    np.testing.assert_array_equal(step.acceptance, 1.0)


def test_sgld(arrays):
    weights, gradients, normals = arrays
    step, forces = stepped("sgld", arrays), forces_at(weights, gradients)
    assert step.state == []
    # Equation of arXiv 2308.12108; float32 loses 1e-7 of numbers up to 3, and forces reach 100.
    for w, f, z, new in zip(weights, forces, normals, step.weights, strict=True):
        np.testing.assert_allclose(new, w + STEP / 2 * f + math.sqrt(STEP) * z, atol=1e-5)
    heat = -STEP / 4 * NBETA * per_chain(f * g for f, g in zip(forces, gradients, strict=True))
    np.testing.assert_allclose(step.heat, heat, rtol=1e-5)


def test_rmsprop_sgld_over_two_steps(arrays):
    weights, gradients, normals = arrays
    step, forces = stepped("rmsprop", arrays), forces_at(weights, gradients)
    squares = [0.99 + 0.01 * g**2 for g in gradients]
    steps = [STEP / (np.sqrt(v / (1 - 0.99)) + 0.1) for v in squares]
    for w, f, z, e, new in zip(weights, forces, normals, steps, step.weights, strict=True):
        np.testing.assert_allclose(new, w + e / 2 * f + np.sqrt(e) * z, atol=1e-5)
    heat = -NBETA / 4 * per_chain(e * f * g for e, f, g in zip(steps, forces, gradients, strict=True))
    np.testing.assert_allclose(step.heat, heat, rtol=1e-5)
    again = stepped("rmsprop", arrays, step.state)
    squares = [0.99 * v + 0.01 * g**2 for v, g in zip(squares, gradients, strict=True)]
    steps = [STEP / (np.sqrt(v / (1 - 0.99**2)) + 0.1) for v in squares]
    for w, f, z, e, new in zip(weights, forces, normals, steps, again.weights, strict=True):
        np.testing.assert_allclose(new, w + e / 2 * f + np.sqrt(e) * z, atol=1e-5)


def test_underdamped(arrays):
    weights, gradients, normals = arrays
    rng = np.random.default_rng(1)
    momenta = [rng.normal(size=w.shape) for w in weights]
    step, forces = stepped("underdamped", arrays, momenta), forces_at(weights, gradients)
    h, r = math.sqrt(STEP), math.exp(-FRICTION)
    kicked = [p + h * f for p, f in zip(momenta, forces, strict=True)]
    refreshed = [r * p + math.sqrt(1 - r**2) * z for p, z in zip(kicked, normals, strict=True)]
    for w, before, after, new, kept in zip(weights, kicked, refreshed, step.weights, step.state, strict=True):
        np.testing.assert_allclose(new, w + h / 2 * before + h / 2 * after, atol=1e-5)
        np.testing.assert_allclose(kept, after, atol=1e-5)
    work = per_chain(after**2 - before**2 for before, after in zip(momenta, kicked, strict=True))
    # Of 9 chains' kinetic energies near 10: differences keep 1e-5.
    np.testing.assert_allclose(step.heat, ((1 + r) / 2) ** 2 / (1 - r**2) * work, rtol=1e-4)


def test_sgnht(arrays):
    # A chain each with its own ξ: as at first, above A, near zero (where the formulas are 0/0), and negative.
    weights, gradients, normals = arrays
    rng = np.random.default_rng(1)
    momenta = [rng.normal(size=w.shape) for w in weights]
    h, friction, num_weights = math.sqrt(STEP), FRICTION / math.sqrt(STEP), 8
    xi = np.array([friction, 2.5 * friction, 1e-6, -0.1 * friction])
    before, steps = xi - friction, np.array([0.0, 9.0, 99.0, 5000.0])
    mean_before = np.array([0.0, 0.2, 0.5, -0.5]) * friction
    step = stepped("sgnht", arrays, [before * h, mean_before * h, steps, *momenta])
    forces = forces_at(weights, gradients)
    r = np.exp(-xi * h)
    noise = np.sqrt(friction / xi * (1 - r**2))
    kicked = [p + h * f for p, f in zip(momenta, forces, strict=True)]
    wide = [(slice(None),) + (None,) * (w.ndim - 1) for w in weights]
    refreshed = [r[i] * p + noise[i] * z for p, z, i in zip(kicked, normals, wide, strict=True)]
    excess, mean_excess, counted, *kept = step.state
    for w, first, second, new, p in zip(weights, kicked, refreshed, step.weights, kept, strict=True):
        np.testing.assert_allclose(new, w + h / 2 * first + h / 2 * second, atol=1e-5)
        np.testing.assert_allclose(p, second, atol=1e-5)
    after = xi + h * (per_chain(p**2 for p in refreshed) / num_weights - 1)
    # Near ξ = 0 float32 keeps seven digits of A, not of ξ.
    np.testing.assert_allclose(excess / h, after - friction, atol=1e-5)
    # The mean of the ξ with which the steps were done, over the last 1000 of them.
    np.testing.assert_array_equal(counted, steps + 1)
    mean = mean_before + (before - mean_before) / np.minimum(steps + 1, 1000)
    np.testing.assert_allclose(mean_excess / h, mean, atol=1e-6)
    # A direction at rest has A⟨w²⟩ = A/ξ, and above that what the force's work brings in at that friction.
    r_mean = np.exp(-(friction + mean) * h)
    work = per_chain(q**2 - p**2 for p, q in zip(momenta, kicked, strict=True))
    heat = ((1 + r_mean) / 2) ** 2 / (1 - r_mean**2) * work + num_weights * (friction / (friction + mean) - 1)
    np.testing.assert_allclose(step.heat, heat, rtol=1e-4)


def test_sgnht_starts_as_the_underdamped_sampler(arrays):
    # With the momenta drawn at the start of either and ξ = A, the first step is the same; so is its heat.
    ours, theirs = stepped("sgnht", arrays), stepped("underdamped", arrays)
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_allclose(ours.heat, theirs.heat, rtol=1e-5)


class TestMALA:
    """A proposal is accepted by the Metropolis ratio, in double precision, of the two Langevin proposals."""

    AWAY = 0.05  # old positions this near the new ones have ratios of order 1

    @staticmethod
    def potential(losses, weights):
        return NBETA * losses + GAMMA / 2 * per_chain((w - 0.5) ** 2 for w in weights)

    @pytest.fixture
    def old(self, arrays):
        """Weights, losses and forces of the last accepted draw."""
        rng = np.random.default_rng(2)
        weights = [w + self.AWAY * rng.normal(size=w.shape) for w in arrays[0]]
        return weights, np.array([0.05, 0.45, 0.2, 0.35]), forces_at(weights, [0.1 * g for g in arrays[1]])

    @pytest.fixture
    def gentle(self, arrays):
        weights, gradients, normals = arrays
        return weights, [0.1 * g for g in gradients], normals

    def state(self, old):
        weights, losses, forces = old
        return [self.potential(losses, weights), losses, *weights, *forces]

    def test_acceptance_is_the_metropolis_ratio(self, gentle, old):
        weights, gradients, normals = gentle
        old_weights, old_losses, old_forces = old
        forces = forces_at(weights, gradients)

        def log_proposal(to, start, force):
            # ln q(to|start) of N(start + ε/2 F, ε).
            return -per_chain((t - s - STEP / 2 * f) ** 2 for t, s, f in zip(to, start, force, strict=True)) / 2 / STEP

        log_ratio = (
            self.potential(old_losses, old_weights)
            - self.potential(LOSSES, weights)
            + log_proposal(old_weights, weights, forces)
            - log_proposal(weights, old_weights, old_forces)
        )
        step = stepped("mala", gentle, self.state(old))
        expected = np.minimum(1, np.exp(log_ratio))
        # Potentials near 30 in float32: the ratio is known to 1e-5.
        np.testing.assert_allclose(step.acceptance, expected, rtol=1e-4)
        uniform = np.array([0.5 * (1 + math.erf(c / math.sqrt(2))) for c in CHANCE])
        accepted = uniform < expected
        np.testing.assert_array_equal(accepted, [True, False, False, True])
        assert expected[0] < 1  # accepted by chance
        np.testing.assert_array_equal(step.losses, np.where(accepted, LOSSES, old_losses).astype("float32"))
        np.testing.assert_array_equal(step.heat, 0.0)
        potential, losses, *arrays = step.state
        potentials = self.potential(LOSSES, weights), self.potential(old_losses, old_weights)
        np.testing.assert_allclose(potential, np.where(accepted, *potentials), rtol=1e-6)
        np.testing.assert_array_equal(losses, step.losses)
        for i, (w, before, z) in enumerate(zip(weights, old_weights, normals, strict=True)):
            chosen = accepted.reshape((-1,) + (1,) * (w.ndim - 1))
            place, force = np.where(chosen, w, before), np.where(chosen, forces[i], old_forces[i])
            np.testing.assert_allclose(arrays[i], place, rtol=1e-6)
            np.testing.assert_allclose(arrays[2 + i], force, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(step.weights[i], place + STEP / 2 * force + math.sqrt(STEP) * z, atol=1e-5)

    def test_the_first_proposal_is_accepted(self, arrays):
        weights, gradients, normals = arrays
        step = stepped("mala", arrays)
        np.testing.assert_array_equal(step.acceptance, 1.0)
        np.testing.assert_array_equal(step.losses, LOSSES.astype("float32"))
        for w, f, z, new in zip(weights, forces_at(weights, gradients), normals, step.weights, strict=True):
            np.testing.assert_allclose(new, w + STEP / 2 * f + math.sqrt(STEP) * z, atol=1e-5)

    @pytest.mark.parametrize("loss", [math.nan, math.inf])
    def test_a_proposal_without_a_finite_loss_is_rejected(self, gentle, old, loss):
        # Where the loss overflows, so do its gradients.
        weights, gradients, normals = gentle
        broken = weights, [np.full_like(g, loss) for g in gradients], normals
        step = stepped("mala", broken, self.state(old), losses=np.full(4, loss))
        np.testing.assert_array_equal(step.acceptance, 0.0)
        np.testing.assert_array_equal(step.losses, old[1].astype("float32"))
        for before, f, z, new in zip(old[0], old[2], normals, step.weights, strict=True):
            np.testing.assert_allclose(new, before + STEP / 2 * f + math.sqrt(STEP) * z, atol=1e-5)


@pytest.mark.parametrize("h", [0.1, 0.75, 1.5])
@pytest.mark.parametrize("friction", [0.015, 0.5])
def test_the_heat_of_the_underdamped_sampler_is_exact_for_a_quadratic(h, friction):
    # One direction, U = w²/2, with white noise ξ of variance V in the force. The step is linear in (w, p, z, ξ): its
    # matrix is read off the sampler, one unit vector a chain, and the stationary covariance solves C = MCMᵀ + N.
    w, p, z, xi = np.eye(4)

    def tensor(values):
        return [ops.convert_to_tensor(values[:, None].astype("float32"))]

    losses = ops.zeros(4)
    here = Position(tensor(w), losses, tensor(0 * w), lambda i: tensor(xi - w)[i], lambda: losses, 1.0)
    moved, momenta, *_ = SAMPLERS["underdamped"]().step(
        here,
        tensor(p),
        [*tensor(z), losses],
        ops.convert_to_tensor(h**2, "float32"),
        ops.convert_to_tensor(friction, "float32"),
    )
    step = np.array([ops.convert_to_numpy(a[0]).ravel() for a in (moved, momenta)], np.float64)
    linear, r = step[:, :2], math.exp(-friction)

    def stationary(variance):
        noise = np.outer(step[:, 2], step[:, 2]) + variance * np.outer(step[:, 3], step[:, 3])
        covariance = np.linalg.solve(np.eye(4) - np.kron(linear, linear), noise.ravel()).reshape(2, 2)
        kick = np.array([-h, 1.0])  # p + hF of w and p
        return covariance[0, 0], kick @ covariance @ kick + h**2 * variance - covariance[1, 1]

    (still, no_work), (heated, work) = stationary(0.0), stationary(0.5)
    # float32 maps; the smallest friction divides their rounding by 1 - r² = 0.03.
    assert still == pytest.approx(1.0, rel=1e-3) and no_work == pytest.approx(0.0, abs=1e-4)
    assert heated - still == pytest.approx(((1 + r) / 2) ** 2 * work / (1 - r**2), rel=1e-3)
