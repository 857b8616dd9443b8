"""Each way of making a network smaller, against NumPy."""

import math

import keras
import numpy as np
import pytest

from keras_selfmodel.compression import (
    LossAndAccuracy,
    ScoredNetwork,
    UniformQuantization,
    description_length,
    keras_quantized,
    low_rank_curve,
    magnitude_masks,
    pruning_curve,
    quantization_curves,
    quantized,
    uniform_quantizations,
    unit_curve,
    weight_noise_curve,
)
from keras_selfmodel.compression.low_rank import rank_at
from keras_selfmodel.compression.pruning import SHARES
from keras_selfmodel.compression.units import final_dense

# Single precision of the network against double precision here.
CLOSE = {"rel": 1e-4, "abs": 1e-6}


def test_pruning_keeps_the_largest_of_all_or_of_each_kernel(network, forward, model):
    first, bias, last, last_bias = model.get_weights()
    threshold = np.sort(np.abs(np.concatenate([first.ravel(), last.ravel()])))[-36]  # half of 48 + 24
    curve = pruning_curve(network, "global", (1.0, 0.5, 0.0))
    assert [point.amount for point in curve.points] == [1.0, 0.5, 0.0]
    pruned = [first * (abs(first) >= threshold), bias, last * (abs(last) >= threshold), last_bias]
    assert curve.points[1].loss == pytest.approx(forward(pruned)[0], **CLOSE)
    assert curve.points[2].loss == pytest.approx(forward([0 * first, bias, 0 * last, last_bias])[0], **CLOSE)
    masks = magnitude_masks(network.matrices, 0.25, "layer")
    assert [int(mask.sum()) for mask in masks.values()] == [12, 6]
    for scope in ("global", "layer"):
        for point, share in zip(pruning_curve(network, scope, SHARES[::5]).points, SHARES[::5], strict=True):
            masks_of_share = magnitude_masks(network.matrices, share, scope)
            kept = [weights * masks_of_share[place] for place, weights in network.matrices.items()]
            assert point.loss == pytest.approx(forward([kept[0], bias, kept[1], last_bias])[0], **CLOSE)
    assert min(abs(last[list(masks.values())[1]])) >= max(abs(last[~list(masks.values())[1]]))


def test_units_go_by_their_influence_and_leave_their_mean(network, forward, model, data):
    first, bias, last, last_bias = (np.asarray(one, dtype=np.float64) for one in model.get_weights())
    features = np.maximum(data[0] @ first + bias, 0)
    curve = unit_curve(network, features)
    assert [point.amount for point in curve.points] == pytest.approx(np.linspace(1, 0, 9))
    # The dead unit goes first, and nothing changes.
    assert curve.points[1].loss == pytest.approx(curve.points[0].loss, rel=1e-6)
    weakest = np.argsort(features.std(axis=0) * np.linalg.norm(last, axis=1))[:4]
    replaced = features.copy()
    replaced[:, weakest] = features[:, weakest].mean(axis=0)
    logits = replaced @ last + last_bias
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert curve.points[4].loss == pytest.approx(-log_p[np.arange(60), data[1]].mean(), **CLOSE)


@pytest.fixture
def of_timesteps():
    """A classifier of every timestep, and what its final layer reads, `(samples, timesteps, units)`."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [keras.Input((5, 6)), keras.layers.Dense(4, "relu", name="hidden"), keras.layers.Dense(3, name="logits")]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 5, 6)).astype("float32"), rng.integers(0, 3, (60, 5))
    return ScoredNetwork(model, x, y), keras.Model(model.inputs, model.layers[0].output).predict(x, verbose=0)


@pytest.mark.parametrize("flat", [False, True])
def test_units_of_timesteps_leave_their_mean_over_samples_and_timesteps(of_timesteps, flat):
    network, features = of_timesteps
    model = network.model
    curve = unit_curve(network, features.reshape(60, -1) if flat else features)
    mean = features.reshape(-1, 4).mean(axis=0, dtype=np.float64)
    # Without any unit, every timestep gets the same scores.
    kernel, bias = (weights.astype(np.float64) for weights in network.weights[2:])
    logits = mean @ kernel + bias
    labels = network._y.ravel()
    expected = np.log(np.exp(logits).sum()) - logits[labels].mean()
    assert curve.points[-1].loss == pytest.approx(expected, **CLOSE)
    assert all((a == b).all() for a, b in zip(network.weights, model.get_weights(), strict=True))


@pytest.mark.parametrize("shape", [(60, 8), (60, 5, 3), (60, 21), (60,), (60, 6, 4), (0, 5, 4)])
def test_features_that_the_final_layer_does_not_read_are_refused(of_timesteps, shape):
    network, _ = of_timesteps
    with pytest.raises(ValueError, match=r"features must be what the final layer reads.*\(samples, 5, 4\)"):
        unit_curve(network, np.zeros(shape))
    assert all((a == b).all() for a, b in zip(network.weights, network.model.get_weights(), strict=True))


def test_a_final_layer_without_bias_reads_means():
    x = np.random.default_rng(4).normal(size=(40, 3)).astype("float32")
    labels = np.arange(40) % 2
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False, name="last")])
    curve = unit_curve(ScoredNetwork(model, x, labels), x)
    logits = np.tile(x.mean(axis=0) @ model.get_weights()[0], (40, 1)).astype("float64")
    expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(40), labels])
    assert curve.points[-1].loss == pytest.approx(expected, **CLOSE)


def test_another_final_layer_than_a_dense_one_is_refused():
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.Conv1D(2, 1, name="last")])
    with pytest.raises(ValueError, match="final layer is Dense.*'last' of type Conv1D"):
        final_dense(model)


def test_kernels_are_truncated_at_the_same_relative_error(network, forward, model):
    first, bias, last, last_bias = model.get_weights()
    point = low_rank_curve(network, (0.0, 0.5)).points[1]
    changed, numbers = [], 0
    for kernel in (first, last):
        left, values, right = np.linalg.svd(kernel.astype(np.float64), full_matrices=False)
        rank = next(r for r in range(9) if np.sqrt((values[r:] ** 2).sum()) <= 0.5 * np.linalg.norm(kernel))
        changed.append(left[:, :rank] * values[:rank] @ right[:rank])
        numbers += min(rank * sum(kernel.shape), kernel.size)
    assert point.amount == pytest.approx(numbers / 72)
    assert point.loss == pytest.approx(forward([changed[0], bias, changed[1], last_bias])[0], **CLOSE)
    # The error of rank r is that of the Eckart–Young theorem; 0 keeps all, 1 nothing.
    assert rank_at(np.array([3.0, 2.0, 1.0]), 0.0) == 3 and rank_at(np.array([3.0, 2.0, 1.0]), 1.0) == 0


def test_quantization_rounds_to_even_steps_of_each_kernel(network, forward, model):
    first, bias, last, last_bias = model.get_weights()
    quantizations = uniform_quantizations(network, (4, 2))
    plain, coded = quantization_curves(quantizations)
    assert [point.amount for point in plain.points] == [32, 2, 1]
    levels = [np.linspace(kernel.min(), kernel.max(), 4, dtype=np.float64) for kernel in (first, last)]
    nearest = [np.abs(k[..., None] - own).argmin(axis=-1) for k, own in zip((first, last), levels, strict=True)]
    rounded = [own[codes] for own, codes in zip(levels, nearest, strict=True)]
    assert plain.points[1].loss == pytest.approx(forward([rounded[0], bias, rounded[1], last_bias])[0], **CLOSE)
    entropy = 0.0
    for codes in nearest:
        shares = np.bincount(codes.ravel()) / codes.size
        entropy -= codes.size * sum(p * np.log2(p) for p in shares if p)
    assert coded.points[1].amount == pytest.approx(entropy / 72)
    expected = min(60 * p.loss / np.log(2) + 72 * p.amount for p in coded.points)
    assert description_length(quantizations, network.size, network.samples) == pytest.approx(expected)


def test_fewer_levels_of_more_bits_are_counted_with_all_their_bits():
    found = [
        UniformQuantization(*bits, LossAndAccuracy(loss, None))
        for bits, loss in (((32.0, 32.0), 0.2), ((2.0, 1.0), 0.9), ((1.585, 1.2), 0.3), ((1.0, 0.5), math.nan))
    ]
    assert [point.amount for point in quantization_curves(found)[1].points] == [32.0, 1.0, 1.0, 0.5]
    assert description_length(found, 10, 100) == pytest.approx(100 * 0.3 / math.log(2) + 10 * 1.2)
    with pytest.raises(ValueError, match="No quantization has a loss"):
        description_length(found[3:], 10, 100)


def test_equal_numbers_are_quantized_to_themselves():
    values, codes = quantized(np.full((2, 2), 0.3), 2)
    assert (values == 0.3).all() and (codes == 0).all()


@pytest.mark.every_backend
def test_keras_quantizes_a_copy(network, model):
    before = model.get_weights()
    score = keras_quantized(network, "int8")
    assert score.loss == pytest.approx(network.score().loss, abs=0.05) and score.loss != network.score().loss
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(ValueError, match="mode='int3'"):
        keras_quantized(network, "int3")


def test_the_noise_that_costs_a_tenth_of_a_nat_is_found(network, forward, model):
    weights = model.get_weights()
    curve = weight_noise_curve(network, draws=2, seed=3)
    sigma = curve.at_rise(0.1)
    rng = np.random.default_rng(3)
    losses = []
    for _ in range(2):
        noise = [rng.standard_normal(weights[place].shape) for place in (0, 2)]
        first, last = (
            weights[place] + sigma * np.sqrt(np.mean(weights[place].astype(float) ** 2)) * one
            for place, one in zip((0, 2), noise, strict=True)
        )
        losses.append(forward([first, weights[1], last, weights[3]])[0])
    # Five halvings of an interval, then a straight line.
    assert np.mean(losses) - forward(weights)[0] == pytest.approx(0.1, abs=0.005)


def test_relative_noise_does_not_see_the_scale_of_a_layer(model, data):
    first, bias, last, last_bias = model.get_weights()
    scaled = keras.models.clone_model(model)
    scaled.set_weights([4 * first, 4 * bias, last / 4, last_bias])  # the same function
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ours, theirs = (ScoredNetwork(one, *data, loss=loss) for one in (model, scaled))
    relative = [weight_noise_curve(one, draws=1).at_rise(0.1) for one in (ours, theirs)]
    absolute = [weight_noise_curve(one, "absolute", draws=1).at_rise(0.1) for one in (ours, theirs)]
    assert relative[0] == pytest.approx(relative[1], rel=1e-3) and absolute[0] != pytest.approx(absolute[1], rel=0.1)


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda network: pruning_curve(network, "all"), "scope must be 'global' or 'layer'. Received: scope='all'"),
        (
            lambda network: pruning_curve(network, shares=(1.0, -0.1)),
            r"shares must be numbers in 0 … 1.*shares=\(1.0, -0.1\)",
        ),
        (lambda network: weight_noise_curve(network, "rms"), "scale must be 'relative' or 'absolute'"),
        (lambda network: weight_noise_curve(network, draws=0), "draws must be at least 1. Received: draws=0"),
    ],
)
def test_settings_of_a_curve_that_cannot_be_are_refused(network, measure, message):
    with pytest.raises(ValueError, match=message):
        measure(network)
