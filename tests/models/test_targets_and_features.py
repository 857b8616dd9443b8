"""Targets and features anywhere, beside plain Keras models of two outputs built by hand from the same layers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_selfmodel as ksm

AUX = 2.0
RNG = np.random.default_rng(0)


def one_step(model, loss, x, y, **kwargs):
    model.compile(keras.optimizers.SGD(0.1), loss=loss, **kwargs)
    model.fit(x, y, batch_size=len(x), verbose=0)


def assert_a_step_is_that_of(model, scores, prediction, target, x, y, loss="mse"):
    """One step of SGD moves all weights as it moves those of the model of scores and of prediction − sg[target]."""
    classifier, before = model.classifier, model.get_weights()
    one_step(model, loss, x, y)
    after = model.get_weights()
    model.set_weights(before)
    errors = prediction - ops.stop_gradient(target)
    by_hand = keras.Model(classifier.inputs[0], [scores, errors])
    one_step(
        by_hand, [loss, "mse"], x, [y, np.zeros((len(x), *[1] * (len(errors.shape) - 1)))], loss_weights=[1.0, AUX]
    )
    # Sums over units and samples are taken in another order: single precision, of steps of order 0.1.
    moved = 0.0
    for ours, theirs, start in zip(after, model.get_weights(), before, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        moved = max(moved, np.abs(ours - start).max(initial=0.0))
    assert moved > 1e-3


def backbone(name="backbone"):
    inputs = keras.Input((6,))
    block = layers.Dense(5, "relu", name="block")(inputs)
    return keras.Model(inputs, layers.Dense(4, "tanh", name="hidden")(block), name=name)


def tapped(nested, *names):
    return keras.Model(nested.inputs[0], [nested.outputs[0], *(nested.get_layer(name).output for name in names)])


def vectors(outputs=3):
    return RNG.normal(size=(12, 6)).astype("float32"), RNG.normal(size=(12, outputs)).astype("float32")


def sequences(steps=4):
    return RNG.normal(size=(9, steps, 6)).astype("float32"), RNG.normal(size=(9, steps, 3)).astype("float32")


def test_a_target_inside_a_nested_model():
    inputs = keras.Input((6,))
    inner = backbone()
    classifier = keras.Model(inputs, layers.Dense(3, name="scores")(layers.Dense(7, "relu", name="top")(inner(inputs))))
    model = ksm.SelfModelingModel(classifier, ["backbone/block", "backbone", "top"], AUX, seed=1)
    out, block = tapped(inner, "block")(inputs)
    top = classifier.get_layer("top")(out)
    target = layers.Concatenate()([block, out, top])
    assert_a_step_is_that_of(model, classifier.get_layer("scores")(top), model.head(top), target, *vectors())


def test_layers_inside_and_outside_a_nested_model_may_have_one_name():
    classifier = keras.Sequential([keras.Input((6,)), backbone(), layers.Dense(7, name="hidden"), layers.Dense(3)])
    model = ksm.SelfModelingModel(classifier, ["backbone/hidden", "hidden"], AUX)
    x, _ = vectors()
    inner = classifier.layers[0](x)
    target = ops.concatenate([inner, classifier.layers[1](inner)], -1)
    np.testing.assert_allclose(
        *(ops.convert_to_numpy(t) for t in (model.joint_outputs(x)["target"], target)), atol=1e-6
    )


def test_a_target_two_models_deep_and_a_nested_tail():
    inner = backbone()
    middle = keras.Sequential([keras.Input((6,)), inner], name="middle")
    tail = keras.Sequential([keras.Input((4,)), layers.Dense(5, "relu", name="hidden"), layers.Dense(3)], name="tail")
    classifier = keras.Sequential([keras.Input((6,)), layers.Rescaling(0.5), middle, tail])
    model = ksm.SelfModelingModel(classifier, ["middle/backbone/block", "tail/hidden"], AUX, seed=1)
    inputs = classifier.inputs[0]
    out, block = tapped(inner, "block")(0.5 * inputs)
    hidden = tail.layers[0](out)
    target = layers.Concatenate()([block, hidden])
    assert_a_step_is_that_of(model, tail.layers[1](hidden), model.head(hidden), target, *vectors())


def test_a_layer_is_predicted_from_an_earlier_one():
    classifier = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, "relu", name="first"),
            layers.Dense(4, "relu", name="second"),
            layers.Dense(3),
        ]
    )
    with pytest.raises(ValueError, match="features"):
        ksm.SelfModelingModel(classifier, classifier.layers[-1].name)
    model = ksm.SelfModelingModel(classifier, "second", AUX, features="first", seed=1)
    first, second = (classifier.get_layer(name).output for name in ("first", "second"))
    assert model.head.kernel.shape == (5, 4)
    assert_a_step_is_that_of(model, classifier.outputs[0], model.head(first), second, *vectors())


def attention_classifier():
    inputs = keras.Input((4, 6))
    attention = layers.MultiHeadAttention(2, 3, name="mha")
    read, scores = attention(inputs, inputs, return_attention_scores=True)
    hidden = layers.Dense(5, "relu", name="hidden")(layers.GlobalAveragePooling1D()(read))
    return keras.Model(inputs, layers.Dense(3)(hidden)), scores, hidden


def test_attention_scores_are_a_target():
    classifier, scores, hidden = attention_classifier()
    with pytest.raises(ValueError, match="'mha:0' to 'mha:1'"):
        ksm.SelfModelingModel(classifier, "mha")
    model = ksm.SelfModelingModel(classifier, "mha:1", AUX, seed=1)
    assert model.num_targets == 2 * 4 * 4
    x, y = sequences()
    assert_a_step_is_that_of(model, classifier.outputs[0], model.head(hidden), layers.Flatten()(scores), x, y[:, 0])


def tagger(steps):
    inputs = keras.Input((steps, 6))
    hidden = layers.LSTM(5, return_sequences=True, name="hidden")(inputs)
    return keras.Model(inputs, layers.Dense(3, name="tags")(hidden)), hidden


@pytest.mark.parametrize("steps", [4, None])
@pytest.mark.parametrize("ahead", [0, 1])
def test_a_head_for_each_step_and_the_next_steps_latent(steps, ahead):
    classifier, hidden = tagger(steps)
    model = ksm.SelfModelingModel(classifier, "hidden", AUX, per_timestep=True, steps_ahead=ahead, seed=1)
    assert model.num_targets == 5
    x, y = sequences()
    prediction, target = model.head(hidden), hidden
    if ahead:
        prediction, target = prediction[:, :-1], hidden[:, 1:]
    assert_a_step_is_that_of(model, classifier.outputs[0], prediction, target, x, y)
    outputs = model.joint_outputs(ops.convert_to_tensor(x))
    assert outputs["target"].shape == outputs["self_prediction"].shape == (9, 4 - ahead, 5)


@pytest.mark.parametrize(
    "options",
    [
        {"targets": ["backbone/block", "backbone/hidden"], "features": ["backbone/block", "inner/gru"]},
        {"targets": "inner/gru", "output_layer": "other"},
    ],
)
def test_what_is_new_is_saved_and_loaded(tmp_path, options):
    inputs = keras.Input((6,))
    steps = layers.Reshape((1, 4))(backbone()(inputs))
    gru = keras.Sequential([keras.Input((1, 4)), layers.GRU(5, name="gru")], name="inner")(steps)
    classifier = keras.Model(
        inputs, layers.Add()([layers.Dense(3, name="one")(gru), layers.Dense(3, name="other")(gru)])
    )
    model = ksm.SelfModelingModel(classifier, aux_weight=AUX, seed=1, **options)
    x, y = vectors()
    one_step(model, "mse", x, y)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for name in ("targets", "features", "output_layer", "per_timestep", "steps_ahead"):
        assert getattr(loaded, name) == getattr(model, name)
    assert loaded.evaluate_self_prediction(x) == model.evaluate_self_prediction(x)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    # The pruned classifier is an ordinary model, though its layers are called in a training graph too.
    model.classifier.save(tmp_path / "plain.keras")
    plain = keras.models.load_model(tmp_path / "plain.keras")
    np.testing.assert_array_equal(plain.predict(x, verbose=0), model.predict(x, verbose=0))
    assert type(plain) is type(classifier)


def test_without_weight_a_nested_classifier_trains_as_the_plain_one():
    def network():
        keras.utils.set_random_seed(3)
        inner = keras.Sequential(
            [
                keras.Input((6,)),
                layers.Dense(8, name="a"),
                layers.BatchNormalization(name="bn"),
                layers.Dropout(0.5, seed=2),
            ],
            name="inner",
        )
        return keras.Sequential([keras.Input((6,)), inner, layers.Dense(3)])

    x, y = vectors()
    plain, model = network(), ksm.SelfModelingModel(network(), "inner/bn", 0.0)
    for each in (plain, model):
        each.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        each.fit(x, y, batch_size=6, epochs=3, shuffle=False, verbose=0)
    for ours, theirs in zip(model.classifier.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_dropout_before_a_final_layer_inside_a_nested_model():
    tail = keras.Sequential([keras.Input((4,)), layers.Dense(5, "relu", name="hidden"), layers.Dense(3)], name="tail")
    classifier = keras.Sequential([keras.Input((6,)), layers.Dense(4), tail])
    model = ksm.models.DropoutModel(classifier, 0.5, seed=1)
    x, _ = vectors()
    hidden = tail.layers[0](classifier.layers[0](x))
    kept = ops.convert_to_numpy(model.joint_outputs(ops.convert_to_tensor(x), training=True)["scores"])
    again = keras.layers.Dropout(0.5, seed=1)
    dropped = ops.convert_to_numpy(tail.layers[1](again(hidden, training=True)))
    np.testing.assert_allclose(kept, dropped, atol=1e-6)
    assert not np.allclose(kept, classifier.predict(x, verbose=0), atol=1e-3)


@keras.saving.register_keras_serializable(package="test")
class Tempered(keras.Model):
    def call(self, x, training=None, mask=None):
        return super().call(x, training=training, mask=mask) / 2.0


def test_a_functional_model_with_a_call_of_its_own_is_trained_as_it_is_evaluated():
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, "relu", name="hidden")(inputs)
    logits = layers.Dense(3)(hidden)
    classifier = Tempered(inputs, logits)
    model = ksm.SelfModelingModel(classifier, "hidden", AUX, seed=1)
    assert_a_step_is_that_of(model, logits / 2.0, model.head(hidden), hidden, *vectors())


def test_a_call_that_cannot_be_followed_is_refused():
    class OtherInTraining(keras.Model):
        def call(self, x, training=None):
            return super().call(x, training=training) * (2.0 if training else 1.0)

    class NumPy(keras.Model):
        def call(self, x):
            return np.exp(super().call(x))

    for cls in (OtherInTraining, NumPy):
        inputs = keras.Input((6,))
        classifier = cls(inputs, layers.Dense(3)(layers.Dense(5, name="hidden")(inputs)))
        with pytest.raises(ValueError, match="`call` of its own.*training"):
            ksm.SelfModelingModel(classifier, "hidden")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": None}, "targets must be names of layers"),
        ({"targets": "hidden", "head": "linear"}, "head must be a keras.Layer.*'linear'"),
        ({"targets": "hidden", "steps_ahead": 1}, "needs per_timestep=True"),
        ({"targets": "hidden", "per_timestep": True, "steps_ahead": 4}, "less than the number of steps"),
        ({"targets": "hidden", "features": 3}, "features must be names"),
        ({"targets": "hidden:1"}, "1 outputs, counted from 0"),
        ({"targets": "hidden", "output_layer": "tag"}, r"output_layer containing 'tag'; layers: \['hidden', 'tags'\]"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ksm.SelfModelingModel(tagger(4)[0], **options)


def test_a_head_for_each_step_needs_steps():
    classifier = keras.Sequential([keras.Input((6,)), backbone(), layers.Dense(3)])
    with pytest.raises(ValueError, match="needs sequences"):
        ksm.SelfModelingModel(classifier, "backbone/block", per_timestep=True)
