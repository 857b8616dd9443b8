"""Units replaced by their mean in networks whose final layer is no plain Dense layer called once: beside NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_selfmodel as ksm
from keras_selfmodel.compression import (
    ScoredNetwork,
    keras_quantized,
    low_rank_curve,
    pruning_curve,
    uniform_quantizations,
    unit_curve,
    weight_noise_curve,
)
from keras_selfmodel.probes import NetworkTap

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
CLOSE = {"rel": 1e-5, "abs": 1e-6}


def cross_entropy(logits, labels):
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), labels]))


def without(features, kernel, gone):
    """Features of which the units of the least influence are replaced by their means."""
    weakest = np.argsort(features.std(axis=0) * np.linalg.norm(kernel, axis=1), kind="stable")[:gone]
    replaced = features.copy()
    replaced[:, weakest] = features[:, weakest].mean(axis=0)
    return replaced


def check(network, features, kernel, scores, labels):
    """Compares every point of the curve with the scores of replaced features, and finds the weights as they were."""
    before = network.model.get_weights()
    curve = unit_curve(network, features.astype("float32"))
    expected = [cross_entropy(scores(without(features, kernel, gone)), labels) for gone in range(len(kernel) + 1)]
    assert [point.loss for point in curve.points] == pytest.approx(expected, **CLOSE)
    assert all((a == b).all() for a, b in zip(before, network.model.get_weights(), strict=True))


def double(model):
    return [one.astype(np.float64) for one in model.get_weights()]


@pytest.mark.parametrize("nested", [False, True])
def test_only_the_last_call_of_a_shared_layer_reads_means(data, nested):
    keras.utils.set_random_seed(0)
    inputs, shared = keras.Input((6,)), layers.Dense(6)
    last = keras.Sequential([keras.Input((6,)), shared]) if nested else shared
    model = keras.Model(inputs, last(layers.ReLU()(shared(inputs))))
    kernel, bias = double(model)
    features = np.maximum(data[0] @ kernel + bias, 0)
    network = ScoredNetwork(model, *data, loss=LOSS)
    check(network, features, kernel, lambda read: read @ kernel + bias, data[1])


def with_lora(data):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), layers.Dense(3)])
    model.layers[-1].enable_lora(2, lora_alpha=3)
    model.set_weights([np.random.default_rng(4).normal(size=one.shape) for one in model.get_weights()])
    return model, ScoredNetwork(model, *data, loss=LOSS)


def scores_with_lora(weights, x):
    first, first_bias, kernel, bias, a, b = weights
    return np.maximum(x @ first + first_bias, 0) @ (kernel + 3 / 2 * a @ b) + bias


@pytest.mark.every_backend
def test_a_kernel_with_lora_is_read_with_it(data):
    model, network = with_lora(data)
    first, first_bias, kernel, bias, a, b = double(model)
    kernel = kernel + 3 / 2 * a @ b
    features = np.maximum(data[0] @ first + first_bias, 0)
    check(network, features, kernel, lambda read: read @ kernel + bias, data[1])


def test_other_curves_change_a_kernel_and_the_factors_of_its_lora(data):
    model, network = with_lora(data)
    weights = double(model)
    kernels = [one for one in weights if one.ndim == 2]
    assert network.size == sum(one.size for one in kernels)

    def loss_of(changed):
        return cross_entropy(scores_with_lora([changed(w) if w.ndim == 2 else w for w in weights], data[0]), data[1])

    limit = np.sort(abs(np.concatenate([one.ravel() for one in kernels])))[::-1][round(network.size / 2) - 1]
    points = pruning_curve(network, shares=(1.0, 0.5)).points
    expected = [loss_of(lambda w: w), loss_of(lambda w: w * (abs(w) >= limit))]
    assert [point.loss for point in points] == pytest.approx(expected, **CLOSE)

    def rounded(w):
        return w.min() + np.rint((w - w.min()) / np.ptp(w) * 15) * np.ptp(w) / 15

    assert uniform_quantizations(network, (16,))[1].score.loss == pytest.approx(loss_of(rounded), rel=1e-4)

    def truncated(w):
        left, singular, right = np.linalg.svd(w, full_matrices=False)
        tails = np.sqrt(np.append(np.cumsum(singular[::-1] ** 2)[::-1], 0))
        rank = int(np.argmax(tails <= 0.5 * tails[0]))
        return (left[:, :rank] * singular[:rank]) @ right[:rank]

    assert low_rank_curve(network, (0.0, 0.5)).points[1].loss == pytest.approx(loss_of(truncated), **CLOSE)
    # Kernels with their factors, and the inputs of each layer, in steps of 1/127 of their largest.
    assert keras_quantized(network).loss == pytest.approx(loss_of(lambda w: w), rel=0.02)
    rng = np.random.default_rng(0)
    noisy = [w + 0.01 * np.sqrt(np.mean(w**2)) * rng.standard_normal(w.shape) if w.ndim == 2 else w for w in weights]
    point = next(one for one in weight_noise_curve(network, draws=1).points if one.amount == 0.01)
    assert point.loss == pytest.approx(cross_entropy(scores_with_lora(noisy, data[0]), data[1]), **CLOSE)


def rows_of_kernel(layer, units):
    """What a layer computes of each unit alone."""
    return ops.convert_to_numpy(layer(np.eye(units, dtype="float32"))) - ops.convert_to_numpy(layer.bias)


@pytest.mark.parametrize("mode", [pytest.param("int8", marks=pytest.mark.every_backend), "int4", "float8"])
def test_a_quantized_final_layer_computes_with_its_codes(data, mode):
    keras.utils.set_random_seed(0)
    last = layers.Dense(3)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), last])
    first, first_bias, kernel, bias = double(model)
    last.quantize(mode)
    if mode == "float8":
        network = ScoredNetwork(model, *data, loss=LOSS)
    else:
        with pytest.warns(UserWarning, match="whole numbers.* stay as they are .*dense.*/kernel"):
            network = ScoredNetwork(model, *data, loss=LOSS)
        assert network.size == 6 * 8
    features = np.maximum(data[0] @ first + first_bias, 0).astype("float32")
    with pytest.raises(ValueError, match=f"no model twice.*layer '{last.name}' is quantized by '{mode}'"):
        keras_quantized(network)
    # Without any unit every sample has the same scores, up to what the codes of kernel and inputs round off.
    curve = unit_curve(network, features)
    scores = features.mean(axis=0, dtype=np.float64) @ kernel + bias
    steps = {"int8": 0.02, "int4": 0.2, "float8": 0.2}[mode]
    assert curve.points[-1].loss == pytest.approx(cross_entropy(np.tile(scores, (60, 1)), data[1]), abs=steps)
    # The layer itself, called on what is left: the order is that of the kernel that its codes stand for.
    read = [without(features, rows_of_kernel(last, 8), gone) for gone in range(9)]
    expected = [cross_entropy(ops.convert_to_numpy(last(one)).astype(np.float64), data[1]) for one in read]
    assert [point.loss for point in curve.points] == pytest.approx(expected, rel=1e-4)


def test_constraints_of_a_kernel_change_nothing(data):
    keras.utils.set_random_seed(0)
    last = layers.Dense(3, kernel_constraint=keras.constraints.UnitNorm(), bias_constraint="non_neg")
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), last])
    first, first_bias, kernel, bias = double(model)
    features = np.maximum(data[0] @ first + first_bias, 0)
    network = ScoredNetwork(model, *data, loss=LOSS)
    check(network, features, kernel, lambda read: read @ kernel + bias, data[1])


def test_a_self_modeling_model_at_the_end_is_looked_into_for_its_units(model, data):
    inputs = keras.Input((6,))
    outer = keras.Model(inputs, ksm.SelfModelingModel(model, "hidden")(inputs))
    first, first_bias, kernel, bias = double(model)
    features = np.maximum(data[0] @ first + first_bias, 0)
    np.testing.assert_allclose(NetworkTap(outer, ()).read(data[0]).features, features, rtol=1e-5, atol=1e-6)
    network = ScoredNetwork(outer, *data, loss=LOSS)
    check(network, features, kernel, lambda read: read @ kernel + bias, data[1])


def test_masks_reach_the_loss_past_the_means():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5, 4)), layers.Masking(), layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(20, 5, 4)).astype("float32")
    x[:, 3:] = 0
    y = np.random.default_rng(1).integers(0, 3, (20, 5))
    kernel, bias = double(model)
    read = x[:, :3].reshape(-1, 4).astype(np.float64)
    network = ScoredNetwork(model, x, y, loss=LOSS)
    points = unit_curve(network, read).points
    means = np.tile(read.mean(axis=0), (60, 1))
    labels = y[:, :3].ravel()
    expected = [cross_entropy(one @ kernel + bias, labels) for one in (read, means)]
    assert [points[0].loss, points[-1].loss] == pytest.approx(expected, **CLOSE)
