"""Chains of several networks moved by one program, beside those of each network alone."""

import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel.models import mlp
from keras_selfmodel.rlct import SamplingSettings
from keras_selfmodel.rlct.chains_together import can_be_sampled_together, together
from keras_selfmodel.rlct.compiling import compiled_steps
from keras_selfmodel.rlct.problem import Problem

SAMPLES = 41  # the last batch of each pass is smaller
ORDERS = [np.random.default_rng([seed, 5]).permutation(SAMPLES).astype(np.int32) for seed in range(3)]


def settings(seed: int, **changes) -> SamplingSettings:
    fields = {"step_size": 1e-3, "localization": 10.0, "batch_size": 16, "num_chains": 2, "num_draws": 9, "burn_in": 9}
    return SamplingSettings(convention="paper", seed=seed, **{**fields, **changes})


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(SAMPLES, 6)).astype("float32"), rng.integers(0, 3, SAMPLES).astype("int32")


def network(seed: int, *, normalized: bool) -> keras.Model:
    if not normalized:
        return mlp(5, inputs=6, classes=3, seed=seed)
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(5), keras.layers.BatchNormalization(), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((6,)), *layers])


def assert_same(ours, theirs):
    # The same numbers are added in another order: single precision, losses of order one.
    for name in ("losses", "reference_losses", "heat", "distances"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-5, atol=1e-5)
    # nβ, 5.8 here, times differences of these losses; and 2e-6 of the estimate of the gradient term.
    assert ours.value == pytest.approx(theirs.value, abs=1e-4)
    assert ours.gradient_term == pytest.approx(theirs.gradient_term, rel=1e-4)
    assert ours.gradient_evaluations == theirs.gradient_evaluations


@pytest.mark.parametrize(
    ("normalized", "anchor"),
    [
        (True, "trained"),
        pytest.param(False, "trained", marks=pytest.mark.long_chains),
        pytest.param(False, "descend", marks=pytest.mark.long_chains),
        pytest.param(True, "descend", marks=pytest.mark.long_chains),
    ],
)
def test_each_network_has_the_estimate_that_it_has_alone(data, normalized, anchor):
    x, y = data
    models = [network(seed, normalized=normalized) for seed in range(3)]
    shared, first, steps = keras.ops.convert_to_tensor(x), None, []
    for seed, (model, order) in enumerate(zip(models, ORDERS, strict=True)):
        problem = Problem.of(model, (shared, y), training=True, like=first, order=order)
        first = first or problem.energy
        steps.append(problem.estimating(settings(seed), anchor=anchor))
    found = together(steps)
    for seed, (model, order) in enumerate(zip(models, ORDERS, strict=True)):
        alone = Problem.of(model, (x[order], y[order]), training=True).estimate(settings(seed), anchor=anchor)
        assert_same(found[seed], alone)
    assert len({estimate.value for estimate in found}) == 3


def test_one_program_moves_all_of_them(data, monkeypatch):
    x, y = data
    compiled = []
    whole = transforms.jit
    monkeypatch.setattr(transforms, "jit", lambda f, **options: compiled.append(f.__qualname__) or whole(f, **options))
    first, steps = None, []
    for seed in range(3):
        problem = Problem.of(network(seed, normalized=False), (x, y), training=True, like=first)
        first = first or problem.energy
        steps.append(problem.estimating(settings(seed)))
    together(steps)
    # Beside what each network compiles to be moved alone, which nobody calls.
    steps_of_chains = [name for name in compiled if name.startswith(compiled_steps.__name__)]
    assert steps_of_chains == 2 * [f"{compiled_steps.__name__}.<locals>.run"]


@pytest.fixture(scope="module")
def several(data):
    """Two networks of different lengths and one that flies off, sampled together; and the two sampled alone."""
    x, y = data
    models = [network(seed, normalized=False) for seed in range(3)]
    # A loss at w* of order 1000, whose gradient throws the weights far out.
    models[2].layers[-1].kernel.assign(np.linspace(-1e4, 1e4, 15).reshape(5, 3))
    problems = [Problem.of(model, (x, y), training=True) for model in models]
    chosen = [settings(seed, num_draws=draws, step_size=0.1) for seed, draws in enumerate((9, 20, 9))]
    found = together([problem.estimating(one) for problem, one in zip(problems, chosen, strict=True)])
    return found, [problem.estimate(one) for problem, one in zip(problems[:2], chosen, strict=False)]


def test_samplings_of_other_lengths_go_on_alone(several):
    """A network whose sampling ends, or was already stored in part, takes no other with it."""
    found, alone = several
    assert [one.losses.shape[1] for one in found] == [18, 29, 18]
    assert_same(found[1], alone[1])


def test_a_network_that_is_lost_on_the_way_takes_no_other_with_it(several):
    (beside, _, lost), (alone, _) = several
    assert np.isfinite(lost.losses).all() and lost.losses.max() > 10 * lost.initial_loss
    assert lost.verdict == "not to be used"
    # Of as many steps, so moved by the same program.
    assert_same(beside, alone)


def test_a_network_of_no_finite_loss_is_refused_before_the_others_move(data):
    model = network(0, normalized=False)
    model.layers[-1].kernel.assign(np.full((5, 3), np.nan))
    with pytest.raises(ValueError, match="loss at w\\* must be finite"):
        together([Problem.of(model, data, training=True).estimating(settings(0))])


def test_a_sampling_stored_by_one_goes_on_in_the_other(data, tmp_path):
    x, y = data
    models = [network(seed, normalized=False) for seed in range(2)]
    files = [tmp_path / f"{seed}.npz" for seed in range(2)]

    def steps(num_draws):
        return [
            Problem.of(model, (x, y), training=True, order=ORDERS[seed]).estimating(
                settings(seed, num_draws=num_draws), checkpoint=files[seed]
            )
            for seed, model in enumerate(models)
        ]

    together(steps(9))
    for seed, model in enumerate(models):
        order = ORDERS[seed]
        problem = Problem.of(model, (x[order], y[order]), training=True)
        on = problem.estimate(settings(seed, num_draws=15), checkpoint=files[seed])
        assert_same(on, problem.estimate(settings(seed, num_draws=15)))


@pytest.mark.parametrize(
    ("changes", "possible"),
    [
        ({}, True),
        ({"convention": "dataset"}, False),
        ({"chains_at_once": 1}, False),
    ],
)
def test_which_settings_allow_it(changes, possible):
    assert can_be_sampled_together(SamplingSettings(**{"convention": "paper", **changes})) is possible


def test_several_generators_draw_what_each_draws():
    keys = [transforms.random_key(seed) for seed in (3, 4)]
    shapes = [(4, 2, 3), (4,)]
    arrays = [keras.ops.zeros(shape) for shape in shapes]

    def draw(state, *arrays):
        state, drawn = transforms.normals_of_each(state, list(arrays))
        return state, list(drawn)

    joined, drawn = transforms.jit(draw)(transforms.keys_joined(keys), *arrays)
    again = [transforms.random_key(seed) for seed in (3, 4)]
    for number, (key, moved) in enumerate(zip(again, transforms.keys_parted(joined), strict=True)):
        key, alone = transforms.normals(key, [array[:2] for array in arrays])
        for ours, theirs in zip(drawn, alone, strict=True):
            ours = keras.ops.convert_to_numpy(ours)[2 * number : 2 * number + 2]
            # Compiled or not, the last bit of a logarithm may differ.
            np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(transforms.key_to_numpy(moved), transforms.key_to_numpy(key))
