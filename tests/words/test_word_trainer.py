"""Training that touches the words of a batch alone, against training that does not."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_selfmodel import SelfModelingModel
from keras_selfmodel.callbacks import WeightSpread
from keras_selfmodel.datasets import Dataset, padded
from keras_selfmodel.experiments import TASKS, find_objective
from keras_selfmodel.experiments.objectives import Subject
from keras_selfmodel.models import text_classifier
from keras_selfmodel.words import WordTrainer

WORDS, AUX_WEIGHT, RATE, BATCH = 40, 3.0, 0.5, 8


@pytest.fixture(scope="module")
def texts() -> Dataset:
    """30 + 13 made-up texts of up to 12 tokens. The last training batch is smaller, one test text has no tokens."""
    rng = np.random.default_rng(0)

    def make(count: int) -> np.ndarray:
        made = np.empty(count, dtype=object)
        made[:] = [rng.integers(0, WORDS, rng.integers(1, 13), dtype=np.int32) for _ in range(count)]
        return made

    train, test = make(30), make(13)
    train[0] = np.array([WORDS - 1, 1, 1], np.int32)
    test[5] = np.array([], np.int32)
    labels = rng.integers(0, 2, 43).astype(np.int32)
    return Dataset("imdb", train, labels[:30], test, labels[30:], 2, source="made up", digest="", is_subset=False)


def network(aux_weight: float, targets="hidden", optimizer=None) -> keras.Model:
    model = text_classifier(WORDS, embedding=5, hidden=6, seed=3)
    if aux_weight:
        model = SelfModelingModel(model, targets, aux_weight, seed=4)
    model.compile(
        optimizer or keras.optimizers.SGD(RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


class Rows(keras.callbacks.Callback):
    """The logs of each epoch."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(dict(logs))


def trainer(texts: Dataset) -> WordTrainer:
    return WordTrainer((texts.x_train, texts.y_train), (texts.x_test, texts.y_test), BATCH)


@pytest.mark.any_backend
@pytest.mark.parametrize("objective", ["last-layer-decay", "activation-regularization", "random-subset"])
def test_other_objectives_train_as_keras_trains_them(texts, objective):
    def model() -> keras.Model:
        subject = Subject(text_classifier(WORDS, embedding=5, hidden=6, seed=3), ("hidden",), 0.5, 3, network)
        made = find_objective(objective).model(subject)
        made.compile(keras.optimizers.SGD(RATE), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return made

    ours, dense = model(), model()
    trainer(texts).fit(ours, epochs=2, initial_epoch=0, callbacks=[])
    x, y = padded(texts.x_train), texts.y_train
    dense.fit(x, y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    for trained, wanted in zip(ours.get_weights(), dense.get_weights(), strict=True):
        # Single precision: the same sums, added in another order.
        np.testing.assert_allclose(trained, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("aux_weight", "targets"),
    [
        pytest.param(0.0, "", marks=pytest.mark.any_backend),
        (AUX_WEIGHT, "hidden"),
        pytest.param(2.0, ["pooled", "hidden"], marks=pytest.mark.any_backend),
    ],
)
def test_weights_and_logs_are_those_of_keras(texts, aux_weight, targets):
    ours, rows = network(aux_weight, targets), Rows()
    trainer(texts).fit(ours, epochs=3, initial_epoch=0, callbacks=[WeightSpread(), rows])
    dense = network(aux_weight, targets)
    x, y = padded(texts.x_train), texts.y_train
    test = padded(texts.x_test), texts.y_test
    history = dense.fit(
        x, y, batch_size=BATCH, epochs=3, shuffle=False, validation_data=test, verbose=0, callbacks=[WeightSpread()]
    ).history
    for trained, wanted in zip(ours.get_weights(), dense.get_weights(), strict=True):
        np.testing.assert_allclose(trained, wanted, atol=1e-6)
    assert set(rows.rows[0]) == set(history)
    for name, values in history.items():
        np.testing.assert_allclose([row[name] for row in rows.rows], values, rtol=2e-5, atol=1e-6, err_msg=name)
    assert int(ours.optimizer.iterations) == int(dense.optimizer.iterations) == 12


def test_weights_are_those_of_numpy_on_every_backend(texts):
    model = network(AUX_WEIGHT)
    table, w, b, v, c, kernel, bias = (a.astype(np.float64) for a in model.get_weights() if a.ndim)
    trainer(texts).fit(model, epochs=2, initial_epoch=0, callbacks=[])
    for _ in range(2):
        for start in range(0, 30, BATCH):
            batch = range(start, min(start + BATCH, 30))
            y, n = np.eye(2)[texts.y_train[batch]], len(batch)
            counts = np.array([np.bincount(texts.x_train[i], minlength=WORDS) / len(texts.x_train[i]) for i in batch])
            pooled = counts @ table
            hidden = np.maximum(pooled @ w + b, 0)
            scores, prediction = hidden @ v + c, hidden @ kernel + bias
            p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            to_scores = (p - y) / n
            to_prediction = AUX_WEIGHT * 2 * (prediction - hidden) / hidden.size
            to_hidden = (to_scores @ v.T + to_prediction @ kernel.T) * (hidden > 0)
            to_pooled = to_hidden @ w.T
            gradients = [counts.T @ to_pooled, pooled.T @ to_hidden, to_hidden.sum(0)]
            gradients += [hidden.T @ to_scores, to_scores.sum(0), hidden.T @ to_prediction, to_prediction.sum(0)]
            for weight, gradient in zip((table, w, b, v, c, kernel, bias), gradients, strict=True):
                weight -= RATE * gradient
    trained = [a for a in model.get_weights() if a.ndim]
    for ours, wanted in zip(trained, (table, w, b, v, c, kernel, bias), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-4)


def test_what_is_measured_on_the_test_data_is_that_of_keras(texts):
    model = network(AUX_WEIGHT)
    measured = trainer(texts).evaluate(model)
    x, y = padded(texts.x_test), texts.y_test
    wanted = model.evaluate(x, y, verbose=0, return_dict=True) | model.evaluate_self_prediction(x)
    assert {"accuracy", "self_prediction_r2"} <= set(wanted)
    for name, value in wanted.items():
        assert measured[name] == pytest.approx(value, rel=1e-5), name


def test_imdb_trains_on_the_texts_in_the_order_of_the_seed(texts):
    recipe = dataclasses.replace(TASKS["imdb"].recipe, batch_size=BATCH, seed=3, rlct=None)
    x, y = TASKS["imdb"].trainer(recipe, texts).training_samples()
    order = np.random.default_rng(3).permutation(30)
    np.testing.assert_array_equal(x, padded(texts.x_train[order]))
    np.testing.assert_array_equal(y, texts.y_train[order])


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD(0.1, momentum=0.9), keras.optimizers.Adam()])
def test_optimizers_that_move_all_words_are_refused(texts, optimizer):
    model = network(0.0, optimizer=type(optimizer).from_config(optimizer.get_config()))
    with pytest.raises(ValueError, match="without momentum"):
        trainer(texts).fit(model, epochs=1, initial_epoch=0, callbacks=[])
