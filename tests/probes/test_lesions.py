"""Predicted and true lesions, against NumPy and against networks whose weights are cut."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers

from keras_selfmodel.models import LesionPredictionModel, SelfModelingModel
from keras_selfmodel.probes import predicted_lesions

X = np.random.default_rng(0).normal(size=(23, 4)).astype("float32")


def lesion_model(**options) -> LesionPredictionModel:
    classifier = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, activation="relu", bias_initializer="ones", name="first"),
            layers.Dropout(0.5),
            layers.Dense(5, activation="tanh"),
            layers.Dense(3),
        ]
    )
    return LesionPredictionModel(classifier, layer="first", **options)


def in_numpy(model) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true changes, `(units, samples, outputs)`: a unit without incoming weights is silent."""
    classifier = model.classifier
    w, b, *others = classifier.get_weights()
    whole, hidden = classifier.predict(X, verbose=0), np.maximum(X @ w + b, 0)
    w1, b1, w2, b2 = (*model.head.hidden.get_weights(), *model.head.linear.get_weights())
    said, true = [], []
    for unit in range(6):
        kept, silenced = np.arange(6) != unit, np.tile(np.eye(6)[unit], (len(X), 1))
        said.append(np.maximum(np.hstack([hidden, silenced]) @ w1 + b1, 0) @ w2 + b2)
        classifier.set_weights([w * kept, b * kept, *others])
        true.append(classifier.predict(X, verbose=0) - whole)
    classifier.set_weights([w, b, *others])
    return np.array(said), np.array(true)


@pytest.mark.parametrize("units", [None, [4, 1]])
def test_error_and_correlation_equal_numpy(units):
    model = lesion_model(seed=1)
    said, true = (values[units or slice(None)] for values in in_numpy(model))
    found = predicted_lesions(model, X, units=units, batch_size=10)
    assert found.error == pytest.approx(np.mean((said - true) ** 2), rel=1e-5)
    assert found.change == pytest.approx(np.mean(true**2), rel=1e-4)
    assert found.correlation == pytest.approx(np.corrcoef(said.ravel(), true.ravel())[0, 1], abs=1e-5)
    assert (found.units, found.samples) == (len(said), 23)


def test_one_unit_is_named_by_its_number():
    model = lesion_model(seed=1)
    assert predicted_lesions(model, X, units=3) == predicted_lesions(model, X, units=[3])


def test_batches_do_not_matter():
    model = lesion_model(seed=1)
    found = [dataclasses.asdict(predicted_lesions(model, X, batch_size=size)) for size in (5, 23)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_inputs_may_be_tensors():
    model = lesion_model(seed=1)
    tensors = predicted_lesions(model, keras.ops.convert_to_tensor(X), batch_size=10)
    assert tensors == predicted_lesions(model, X, batch_size=10)


def test_a_prediction_that_never_varies_has_no_correlation():
    constant = layers.Dense(3, kernel_initializer="zeros")
    assert predicted_lesions(lesion_model(head=constant), X).correlation is None


def test_masked_steps_of_outputs_do_not_count():
    words = keras.Input((4,), dtype="int32")
    hidden = layers.Dense(3, activation="tanh", name="hidden")(layers.Embedding(9, 2, mask_zero=True)(words))
    model = LesionPredictionModel(keras.Model(words, layers.Dense(2)(hidden)), layer="hidden", seed=1)
    x = np.array([[1, 2, 0, 0], [4, 5, 6, 7]])
    steps = keras.Model(words, hidden).predict(x, verbose=0)[x > 0]
    kernel, _ = model.classifier.layers[-1].get_weights()
    changes = np.array([-steps[:, [unit]] * kernel[unit] for unit in range(3)])
    assert predicted_lesions(model, x).change == pytest.approx(np.mean(changes**2), rel=1e-5)


def test_inputs_may_be_several():
    inputs = {"a": keras.Input((4,), name="a"), "b": keras.Input((2,), name="b")}
    hidden = layers.Dense(3, activation="relu", name="hidden")(layers.Concatenate()(list(inputs.values())))
    classifier = keras.Model(inputs, layers.Dense(2)(hidden))
    x = {"a": X, "b": X[:, :2]}
    found = predicted_lesions(LesionPredictionModel(classifier), x, batch_size=8)
    last, _ = classifier.layers[-1].get_weights()
    activations = keras.Model(inputs, hidden).predict(x, verbose=0)
    wanted = np.mean(np.square(activations[:, :, None] * last))
    assert found.change == pytest.approx(wanted, rel=1e-5) and found.samples == 23


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: predicted_lesions(lesion_model(), X, units=[6]), "units must be a whole number from 0 to 5"),
        (lambda: predicted_lesions(lesion_model(), X, units=[]), "at least one unit, from 0 to 5"),
        (lambda: predicted_lesions(lesion_model(), X, units=[2, 2]), r"each once. Received: units=\[2, 2\]"),
        (lambda: predicted_lesions(lesion_model(), X[:0]), "at least one sample"),
        (lambda: predicted_lesions(lesion_model(), iter([X])), "needs arrays of inputs. Received: x of type"),
        (lambda: predicted_lesions(SelfModelingModel(lesion_model().classifier, "first"), X), "needs a LesionPred"),
    ],
)
def test_what_cannot_be_measured_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
