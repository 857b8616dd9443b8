"""Classifiers of several or named outputs, and masks of steps, beside plain Keras and NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_selfmodel as ksm

AUX = 2.0


def trained(model, x, y, loss, **kwargs):
    model.compile(keras.optimizers.SGD(0.1), loss=loss, run_eagerly=True, **kwargs)
    model.fit(x, y, batch_size=len(keras.tree.flatten(x)[0]), verbose=0)
    return model.get_weights()


def assert_same_step(model, by_hand, x, y, loss, by_hand_y, by_hand_loss, **by_hand_options):
    before = model.get_weights()
    ours = trained(model, x, y, loss)
    model.set_weights(before)
    trained(by_hand, x, by_hand_y, by_hand_loss, **by_hand_options)
    # Single precision: sums taken in another order, of steps of order 0.1.
    for one, other in zip(ours, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert max(np.abs(one - start).max(initial=0.0) for one, start in zip(ours, before, strict=True)) > 1e-3


def two_outputs():
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, "relu", name="hidden")(inputs)
    kind = layers.Dense(3, name="kind")(hidden)
    second = layers.Dense(4, "tanh", name="second")(hidden)
    size = layers.Dense(1, name="size")(second)
    return keras.Model(inputs, {"scores": kind, "size": size}), hidden, second, [kind, size]


@pytest.mark.parametrize("options", [{"output_layer": "kind"}, {"features": "second"}])
def test_self_modeling_beside_two_outputs_by_name(options):
    rng = np.random.default_rng(0)
    classifier, hidden, second, outputs = two_outputs()
    model = ksm.SelfModelingModel(classifier, "hidden", AUX, seed=1, **options)
    prediction = model.head(hidden if options == {"output_layer": "kind"} else second)
    by_hand = keras.Model(classifier.input, [*outputs, prediction - ops.stop_gradient(hidden)])
    x = rng.normal(size=(12, 6)).astype("float32")
    y = [np.arange(12) % 3, rng.normal(size=(12, 1)).astype("float32")]
    losses = [keras.losses.SparseCategoricalCrossentropy(from_logits=True), "mse"]
    wanted = {"loss_weights": [1.0, 1.0, AUX]}
    names = ("scores", "size")
    assert_same_step(
        model,
        by_hand,
        x,
        dict(zip(names, y, strict=True)),
        dict(zip(names, losses, strict=True)),
        [*y, np.zeros((12, 1))],
        [*losses, "mse"],
        **wanted,
    )
    assert set(model.predict(x, verbose=0)) == set(names)


def test_an_output_called_scores_is_the_users(tmp_path):
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, "relu", name="hidden")(inputs)
    classifier = keras.Model(inputs, {"scores": layers.Dense(3, name="scores")(hidden)})
    loss = {"scores": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
    x, y = np.random.default_rng(0).normal(size=(12, 6)).astype("float32"), {"scores": np.arange(12) % 3}
    dropped = ksm.models.DropoutModel(classifier, 0.0)
    dropped.compile(keras.optimizers.SGD(0.0), loss, metrics={"scores": ["accuracy"]})
    history = dropped.fit(x, y, batch_size=12, verbose=0, validation_data=(x, y)).history
    plain = keras.Model(classifier.input, classifier.output)
    plain.compile(loss=loss, metrics={"scores": ["accuracy"]})
    wanted = plain.evaluate(x, y, verbose=0, return_dict=True)
    for prefix in ("", "val_"):
        assert history[f"{prefix}loss"][0] == pytest.approx(wanted["loss"], rel=1e-5)
        (accuracy,) = [value for name, value in history.items() if name.startswith(prefix) and "accuracy" in name][-1]
        assert accuracy == pytest.approx(wanted["accuracy"] if "accuracy" in wanted else wanted["scores_accuracy"])
    model = ksm.SelfModelingModel(classifier, "hidden", AUX)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0)["scores"], classifier.predict(x, verbose=0)["scores"])


def masked_tagger(steps):
    words = keras.Input((steps,), dtype="int32")
    embedded = layers.Embedding(9, 4, mask_zero=True, name="words")(words)
    hidden = layers.GRU(5, return_sequences=True, name="hidden")(embedded)
    return keras.Model(words, layers.Dense(3)(hidden)), hidden


def test_padded_steps_neither_predict_nor_are_predicted(ahead=1):
    classifier, hidden = masked_tagger(None)
    x = np.array([[1, 2, 3, 4, 5], [6, 7, 8, 0, 0], [1, 3, 0, 0, 0]])
    model = ksm.SelfModelingModel(classifier, "hidden", per_timestep=True, steps_ahead=ahead, seed=1)
    values = keras.Model(classifier.input, hidden).predict(x, verbose=0)
    kernel, bias = model.head.get_weights()
    errors = (values @ kernel + bias)[:, : 5 - ahead] - values[:, ahead:]
    counted = (x > 0)[:, ahead:]
    wanted = np.mean(errors[counted] ** 2)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    logs = model.train_on_batch(x, np.zeros((3, 5, 3)), return_dict=True)
    assert float(logs["self_prediction_loss"]) == pytest.approx(wanted, rel=1e-5)
    assert model.evaluate_self_prediction(x)["self_prediction_loss"] == pytest.approx(wanted, rel=1e-5)
    mask = ops.convert_to_numpy(model.joint_outputs(ops.convert_to_tensor(x))["target_mask"])
    np.testing.assert_array_equal(mask, counted)


def test_the_rms_of_a_target_is_that_of_its_real_steps():
    classifier, hidden = masked_tagger(5)
    x = np.array([[1, 2, 3, 4, 5], [6, 7, 8, 0, 0], [1, 3, 0, 0, 0]])
    model = ksm.SelfModelingModel(classifier, "hidden", target_normalization="unit_rms", seed=1)
    values = keras.Model(classifier.input, hidden).predict(x, verbose=0)
    target = ops.convert_to_numpy(model.joint_outputs(ops.convert_to_tensor(x))["target"]).reshape(3, 5, 5)
    wanted = values / np.sqrt(np.mean(values[x > 0] ** 2) + 1e-7)
    np.testing.assert_allclose(target[x > 0], wanted[x > 0], rtol=1e-5)
