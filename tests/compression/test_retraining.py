"""Pruned networks that are trained on."""

import functools

import keras
import numpy as np
import pytest

from keras_selfmodel.compression import ScoredNetwork, retrained_pruning_curve


@pytest.mark.every_backend
def test_weights_that_are_kept_are_trained_and_the_others_stay_zero(network, model, data, forward):
    before = model.get_weights()

    def train():
        model.fit(*data, epochs=2, batch_size=60, verbose=0, shuffle=False)

    curve = retrained_pruning_curve(network, model, train, shares=(0.5, 0.25))
    assert curve.points[0].loss == network.intact.loss
    for point in curve.points[1:]:
        # By hand: two steps of SGD with all data, of the weights that are kept and of the biases.
        limit = np.sort(np.abs(np.concatenate([before[0].ravel(), before[2].ravel()])))[::-1]
        kept = round(point.amount * len(limit))
        masks = [np.abs(w) >= limit[kept - 1] if w.ndim > 1 else np.ones(w.shape) for w in before]
        weights = [w.astype(np.float64) * mask for w, mask in zip(before, masks, strict=True)]
        for _ in range(2):
            gradients = gradients_of(weights, *data)
            weights = [w - 0.3 * g * mask for w, g, mask in zip(weights, gradients, masks, strict=True)]
        # float32 losses near 1.
        assert (point.loss, point.accuracy) == pytest.approx(forward(weights), abs=1e-5)
    assert [point.amount for point in curve.points[1:]] == [0.5, 0.25]
    # The model is as it was, and what trains it knows nothing of masks.
    np.testing.assert_array_equal(
        np.concatenate([w.ravel() for w in model.get_weights()]), np.concatenate([w.ravel() for w in before])
    )
    assert [weight.constraint for weight in model.weights] == [None] * 4
    train()
    assert all(np.count_nonzero(w) > 0.8 * w.size for w in model.get_weights())
    model.set_weights(before)


def gradients_of(weights, x, labels):
    kernel, bias, last, last_bias = weights
    inner = x @ kernel + bias
    hidden = np.maximum(inner, 0)
    logits = hidden @ last + last_bias
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error = (p - np.eye(3)[labels]) / len(labels)
    back = (error @ last.T) * (inner > 0)
    return [x.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]


def test_a_constraint_of_the_layer_holds_too(data):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, kernel_constraint="non_neg")])
    model.compile(keras.optimizers.SGD(0.3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*data, verbose=0)
    seen, own = [], model.layers[0].kernel.constraint

    def train():
        model.fit(*data, epochs=2, verbose=0)
        seen.append(keras.ops.convert_to_numpy(model.layers[0].kernel))

    retrained_pruning_curve(ScoredNetwork(model, *data), model, train, shares=(0.5,))
    assert np.count_nonzero(seen[0]) <= 9
    assert (seen[0] >= 0).all()
    assert model.layers[0].kernel.constraint is own


def test_a_training_that_knows_no_constraints_is_refused(network, model):
    before = model.get_weights()
    with pytest.raises(ValueError, match="hidden/kernel' that were pruned"):
        retrained_pruning_curve(network, model, lambda: model.set_weights(before), shares=(0.5,))
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), before, strict=True))


@pytest.mark.parametrize("overwrite_every", [None, 1])
@pytest.mark.parametrize("scaled", [False, True])
def test_moving_averages_of_pruned_weights_are_zero_too(model, data, forward, overwrite_every, scaled):
    averaged = keras.models.clone_model(model)
    averaged.set_weights(model.get_weights())
    optimizer = keras.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=overwrite_every)
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
    averaged.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    fit = functools.partial(averaged.fit, *data, batch_size=60, verbose=0, shuffle=False)
    fit(epochs=3)
    before, remembered = averaged.get_weights(), [keras.ops.convert_to_numpy(one) for one in optimizer.variables]

    # What the first call of `fit` leaves is what the second one starts from; on JAX, Keras cannot call it twice.
    calls = (3,) if keras.config.backend() == "jax" else (2, 1)

    def train():
        for epochs in calls:
            fit(epochs=epochs)

    point = retrained_pruning_curve(ScoredNetwork(averaged, *data), averaged, train, shares=(0.4,)).points[1]
    sizes = np.sort(np.abs(np.concatenate([before[0].ravel(), before[2].ravel()])))[::-1]
    limit = sizes[round(0.4 * len(sizes)) - 1]
    masks = [np.abs(w) >= limit if w.ndim > 1 else np.ones(w.shape) for w in before]
    weights = averages = [w.astype(np.float64) * mask for w, mask in zip(before, masks, strict=True)]
    for epochs in calls:
        for _ in range(epochs):
            gradients = gradients_of(weights, *data)
            weights = [w - 0.3 * g * mask for w, g, mask in zip(weights, gradients, masks, strict=True)]
            averages = [0.6 * a + 0.4 * w for a, w in zip(averages, weights, strict=True)]
            weights = averages if overwrite_every else weights
        weights = averages  # As Keras does at the end of `fit`.
    assert (point.loss, point.accuracy) == pytest.approx(forward(weights), abs=1e-5)
    for found, expected in ((averaged.get_weights(), before), (optimizer.variables, remembered)):
        assert all(np.array_equal(keras.ops.convert_to_numpy(a), b) for a, b in zip(found, expected, strict=True))


def test_kernels_of_the_same_path_are_pruned_each_by_its_own_mask(data):
    class Alike(keras.Layer):
        def build(self, shape):
            self.matrices = [self.add_weight(shape=(6, 3), initializer="ones", name="w") for _ in range(2)]

        def call(self, x):
            return x @ self.matrices[0] + x @ self.matrices[1]

    model = keras.Sequential([keras.Input((6,)), Alike()])
    large = np.ones((6, 3), "float32")
    model.set_weights([large, large / 10])
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    seen = []

    def train():
        model.fit(*data, verbose=0)
        seen.append([np.count_nonzero(one) for one in model.get_weights()])

    curve = retrained_pruning_curve(ScoredNetwork(model, *data), model, train, shares=(0.5,))
    assert seen == [[18, 0]] and curve.points[1].amount == 0.5


def clone_of(model):
    clone = keras.models.clone_model(model)
    clone.compile("sgd", model.loss)
    return clone


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda model: {"network": model}, "network must be a ScoredNetwork.*type Sequential"),
        (lambda model: {"model": keras.Sequential(model.layers)}, "compiled with an optimizer.*not compiled"),
        (lambda model: {"model": None}, "model must be a Keras model.*NoneType"),
        (lambda model: {"model": clone_of(model)}, "model must be the network that was scored.*hidden/kernel"),
        (lambda model: {"train": "fit"}, "train must be a function.*'fit'"),
        (lambda model: {"train": lambda epochs: None}, "takes no arguments"),
        (lambda model: {"scope": "all"}, "scope must be 'global' or 'layer'"),
        (lambda model: {"shares": 0.5}, "shares must be numbers in 0 … 1.*shares=0.5"),
        (lambda model: {"shares": "0.5"}, "shares must be numbers.*shares='0.5'"),
        (lambda model: {"shares": (None,)}, r"shares must be numbers.*shares=\(None,\)"),
        (lambda model: {"shares": (0.2, 0.5)}, r"none larger than the one before.*shares=\(0.2, 0.5\)"),
        (lambda model: {"shares": (0.5, -0.1)}, r"shares must be numbers in 0 … 1"),
        (lambda model: {"shares": (float("nan"),)}, r"shares must be numbers in 0 … 1"),
    ],
)
def test_what_cannot_be_retrained_is_refused_before_anything_is_trained(network, model, changed, message):
    trainings = []
    settings = {"network": network, "model": model, "train": lambda: trainings.append(1)} | changed(model)
    with pytest.raises(ValueError, match=message):
        retrained_pruning_curve(**settings)
    assert not trainings


def test_a_network_that_was_trained_after_it_was_scored_is_refused(model, data):
    later = clone_of(model)
    network = ScoredNetwork(later, *data)
    later.fit(*data, verbose=0)
    with pytest.raises(ValueError, match="after the ScoredNetwork was made"):
        retrained_pruning_curve(network, later, lambda: later.fit(*data, verbose=0), shares=(0.5,))


@pytest.mark.parametrize("shares", [np.array([0.5, 0.25]), [0.5, 0.25], iter([0.5, 0.25])])
def test_shares_are_any_numbers_one_after_another(network, model, shares):
    curve = retrained_pruning_curve(network, model, lambda: None, shares=shares)
    assert [point.amount for point in curve.points] == [1.0, 0.5, 0.25]


def test_the_constraint_of_a_layer_sees_pruned_weights():
    kernel = np.array([[3.0, 4.0], [0.0, 1.0]], "float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False, kernel_constraint="unit_norm")])
    model.set_weights([kernel])
    model.compile(keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    seen, data = [], (np.eye(2, dtype="float32"), np.array([0, 1]))

    def train():
        model.fit(*data, verbose=0)
        seen.extend(model.get_weights())

    retrained_pruning_curve(ScoredNetwork(model, *data), model, train, shares=(0.5,))
    np.testing.assert_allclose(seen[0], [[1.0, 1.0], [0.0, 0.0]], rtol=1e-5)
