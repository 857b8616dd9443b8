import keras
import numpy as np
import pytest

import keras_selfmodel as ksm
from keras_selfmodel.compression import ScoredNetwork, brier_score, expected_calibration_error


def test_the_score_is_what_keras_evaluates(network, model, data):
    loss, accuracy = model.evaluate(*data, verbose=0)
    score = network.score()
    assert score.loss == pytest.approx(loss, rel=1e-6) and score.accuracy == pytest.approx(accuracy)


def test_other_kernels_are_scored_and_the_networks_own_are_back_afterwards(network, model, forward):
    before = model.get_weights()
    name = next(name for name in network.kernels if "hidden" in name)
    score = network.score({name: 2 * before[0]})
    loss, accuracy = forward([2 * before[0], *before[1:]])
    assert score.loss == pytest.approx(loss, rel=1e-5) and score.accuracy == accuracy
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_self_modeling_model_is_scored_as_its_classifier(model, data):
    wrapped = ksm.SelfModelingModel(model, "hidden", 1.0)
    wrapped.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = ScoredNetwork(wrapped, *data)
    assert len(found.kernels) == 2 and found.score().loss == pytest.approx(
        model.evaluate(*data, verbose=0)[0], rel=1e-6
    )


def test_a_regression_has_a_loss_and_no_accuracy():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    x, y = np.eye(2, dtype="float32"), np.array([[0.3], [0.5]], dtype="float32")
    score = ScoredNetwork(model, x, y).score()
    assert score.accuracy is None and score.loss == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-6)


@pytest.mark.parametrize("logits", [True, False])
def test_a_single_output_of_two_classes_has_an_accuracy(logits):
    activation = None if logits else "sigmoid"
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation)])
    model.set_weights([np.array([[2.0]]), np.array([-1.0])])  # 1 from x = 0.5 on
    loss = keras.losses.BinaryCrossentropy(from_logits=logits)
    x, y = np.array([[0.0], [0.4], [0.6], [1.0]], "float32"), np.array([0, 1, 1, 1])
    answers = ScoredNetwork(model, x, y, loss=loss).answers()
    assert answers.score.accuracy == 0.75
    np.testing.assert_allclose(answers.probabilities[:, 1], 1 / (1 + np.exp(-(2 * x[:, 0] - 1))), rtol=1e-5)


def test_one_hot_labels_are_class_numbers(model, data, network):
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    found = ScoredNetwork(model, data[0], np.eye(3, dtype="float32")[data[1]], loss=loss).score()
    assert found.accuracy == network.score().accuracy and found.loss == pytest.approx(network.score().loss, rel=1e-6)


def test_a_model_without_kernels_is_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])
    with pytest.raises(ValueError, match="nothing to compress"):
        ScoredNetwork(model, np.ones((2, 3)), np.array([0, 1]), loss="sparse_categorical_crossentropy")


def test_calibration_is_that_of_the_definition():
    # Bins of 0.2: (0.4, 0.6] holds two samples, one right; (0.8, 1] three, all right.
    probabilities = np.array([[0.55, 0.45], [0.48, 0.52], [0.9, 0.1], [0.05, 0.95], [1.0, 0.0]])
    labels = np.array([0, 0, 0, 1, 0])
    expected = (2 * abs(0.5 - (0.55 + 0.52) / 2) + 3 * abs(1 - (0.9 + 0.95 + 1) / 3)) / 5
    assert expected_calibration_error(probabilities, labels, bins=5) == pytest.approx(expected)
    squares = [2 * 0.45**2, 2 * 0.52**2, 2 * 0.1**2, 2 * 0.05**2, 0]
    assert brier_score(probabilities, labels) == pytest.approx(np.mean(squares))
