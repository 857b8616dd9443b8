"""One step of each sampler against its formulas in NumPy."""

import math

import numpy as np
import pytest
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.samplers import SAMPLERS, Position
from keras_selfmodel.rlct.samplers.sampler import total

STEP, NBETA, GAMMA, FRICTION = 0.02, 30.0, 5.0, 0.3
LOSSES, CHANCE = np.array([0.1, 0.5, 0.2, 0.3]), np.array([-1.0, 0.0, 1.0, 2.0])


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    weights, gradients, normals = ([rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 2))] for _ in range(3))
    return weights, gradients, normals


def stepped(name, arrays, state=None):
    """The sampler's step, in double precision NumPy, and the force it met: w* is 0.5 everywhere."""
    weights, gradients, normals = ([ops.convert_to_tensor(a.astype("float32")) for a in group] for group in arrays)
    sampler = SAMPLERS[name]()
    state = sampler.start(weights, transforms.random_key(1))[0] if state is None else state
    losses = ops.convert_to_tensor(LOSSES.astype("float32"))
    here = Position(
        weights,
        losses,
        gradients,
        lambda i: -NBETA * gradients[i] - GAMMA * (weights[i] - 0.5),
        lambda: NBETA * losses + GAMMA / 2 * sum(total(ops.square(w - 0.5)) for w in weights),
    )
    moved, state, losses, heat, acceptance = sampler.step(
        here,
        state,
        [*normals, ops.convert_to_tensor(CHANCE.astype("float32"))],
        ops.convert_to_tensor(STEP, "float32"),
        ops.convert_to_tensor(FRICTION, "float32"),
    )
    forces = [-NBETA * g - GAMMA * (w - 0.5) for w, g in zip(*arrays[:2], strict=True)]
    if name != "mala":
        np.testing.assert_array_equal(ops.convert_to_numpy(losses), LOSSES.astype("float32"))
        np.testing.assert_array_equal(ops.convert_to_numpy(acceptance), 1.0)
        return [ops.convert_to_numpy(w) for w in moved], state, ops.convert_to_numpy(heat), forces
    return (
        [ops.convert_to_numpy(w) for w in moved],
        state,
        ops.convert_to_numpy(losses),
        ops.convert_to_numpy(acceptance),
    )


def per_chain(values):
    return sum(v.reshape(4, -1).sum(axis=1) for v in values)


def test_sgld(arrays):
    weights, _, normals = arrays
    moved, state, heat, forces = stepped("sgld", arrays)
    assert state == []
    # Equation of arXiv 2308.12108; float32 loses 1e-7 of numbers up to 3, and forces reach 100.
    for w, f, z, new in zip(weights, forces, normals, moved, strict=True):
        np.testing.assert_allclose(new, w + STEP / 2 * f + math.sqrt(STEP) * z, atol=1e-5)
    np.testing.assert_allclose(heat, STEP / 4 * per_chain(f**2 for f in forces), rtol=1e-5)


def test_rmsprop_sgld_over_two_steps(arrays):
    weights, gradients, normals = arrays
    moved, state, heat, forces = stepped("rmsprop", arrays)
    squares = [0.99 + 0.01 * g**2 for g in gradients]
    steps = [STEP / (np.sqrt(v / (1 - 0.99)) + 0.1) for v in squares]
    for w, f, z, e, new in zip(weights, forces, normals, steps, moved, strict=True):
        np.testing.assert_allclose(new, w + e / 2 * f + np.sqrt(e) * z, atol=1e-5)
    np.testing.assert_allclose(heat, per_chain(e * f**2 / 4 for e, f in zip(steps, forces, strict=True)), rtol=1e-5)
    again, _, _, _ = stepped("rmsprop", arrays, state)
    squares = [0.99 * v + 0.01 * g**2 for v, g in zip(squares, gradients, strict=True)]
    steps = [STEP / (np.sqrt(v / (1 - 0.99**2)) + 0.1) for v in squares]
    for w, f, z, e, new in zip(weights, forces, normals, steps, again, strict=True):
        np.testing.assert_allclose(new, w + e / 2 * f + np.sqrt(e) * z, atol=1e-5)


def test_underdamped(arrays):
    weights, _, normals = arrays
    rng = np.random.default_rng(1)
    momenta = [rng.normal(size=w.shape) for w in weights]
    moved, state, heat, forces = stepped(
        "underdamped", arrays, [ops.convert_to_tensor(p.astype("float32")) for p in momenta]
    )
    h, r = math.sqrt(STEP), math.exp(-FRICTION)
    kicked = [p + h * f for p, f in zip(momenta, forces, strict=True)]
    refreshed = [r * p + math.sqrt(1 - r**2) * z for p, z in zip(kicked, normals, strict=True)]
    for w, before, after, new, kept in zip(weights, kicked, refreshed, moved, state, strict=True):
        np.testing.assert_allclose(new, w + h / 2 * before + h / 2 * after, atol=1e-5)
        np.testing.assert_allclose(ops.convert_to_numpy(kept), after, atol=1e-5)
    work = per_chain(after**2 - before**2 for before, after in zip(momenta, kicked, strict=True))
    # Of 9 chains' kinetic energies near 10: differences keep 1e-5.
    np.testing.assert_allclose(heat, ((1 + r) / 2) ** 2 / (1 - r**2) * work, rtol=1e-4)


@pytest.mark.parametrize("h", [0.1, 0.75, 1.5])
@pytest.mark.parametrize("friction", [0.015, 0.5])
def test_the_heat_of_the_underdamped_sampler_is_exact_for_a_quadratic(h, friction):
    # One direction, U = w²/2, with white noise ξ of variance V in the force. The step is linear in (w, p, z, ξ): its
    # matrix is read off the sampler, one unit vector a chain, and the stationary covariance solves C = MCMᵀ + N.
    w, p, z, xi = np.eye(4)
    tensor = lambda values: [ops.convert_to_tensor(values[:, None].astype("float32"))]  # noqa: E731
    losses = ops.zeros(4)
    here = Position(tensor(w), losses, tensor(0 * w), lambda i: tensor(xi - w)[i], lambda: losses)
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
