"""Pruned networks that are trained on."""

import keras
import numpy as np
import pytest

from keras_selfmodel.compression import ScoredNetwork, retrained_pruning_curve


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
    with pytest.raises(ValueError, match="that were pruned"):
        retrained_pruning_curve(network, model, lambda: model.set_weights(before), shares=(0.5,))
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), before, strict=True))
