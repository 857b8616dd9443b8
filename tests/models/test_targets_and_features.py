"""Targets and features anywhere; tests/uses has those whose training step is compared with plain Keras."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_selfmodel as ksm

AUX = 2.0
RNG = np.random.default_rng(0)


def one_step(model, loss, x, y, **kwargs):
    model.compile(keras.optimizers.SGD(0.1), loss=loss, run_eagerly=True, **kwargs)
    model.fit(x, y, batch_size=len(x), verbose=0)


def backbone(name="backbone"):
    inputs = keras.Input((6,))
    block = layers.Dense(5, "relu", name="block")(inputs)
    return keras.Model(inputs, layers.Dense(4, "tanh", name="hidden")(block), name=name)


def vectors(outputs=3):
    return RNG.normal(size=(12, 6)).astype("float32"), RNG.normal(size=(12, outputs)).astype("float32")


def test_layers_inside_and_outside_a_nested_model_may_have_one_name():
    classifier = keras.Sequential([keras.Input((6,)), backbone(), layers.Dense(7, name="hidden"), layers.Dense(3)])
    model = ksm.SelfModelingModel(classifier, ["backbone/hidden", "hidden"], AUX)
    x, _ = vectors()
    inner = classifier.layers[0](x)
    target = ops.concatenate([inner, classifier.layers[1](inner)], -1)
    np.testing.assert_allclose(
        *(ops.convert_to_numpy(t) for t in (model.joint_outputs(x)["target"], target)), atol=1e-6
    )


def test_an_array_of_names_is_taken_and_a_name_with_a_colon_is_that_layers():
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, name="b")(layers.Dense(4, name="a:1")(inputs))
    model = ksm.SelfModelingModel(keras.Model(inputs, layers.Dense(3)(hidden)), np.array(["a:1", "b"]), AUX)
    assert (model.targets, model.num_targets) == (("a:1", "b"), 4 + 5)


def test_a_sparse_matrix_is_evaluated_as_its_array():
    sparse = pytest.importorskip("scipy.sparse")
    model = ksm.SelfModelingModel(
        keras.Sequential([keras.Input((6,)), layers.Dense(4, name="a"), layers.Dense(3)]), "a"
    )
    x, _ = vectors()
    found, expected = map(model.evaluate_self_prediction, (sparse.csr_matrix(x), x))
    assert found == pytest.approx(expected, rel=1e-4)


def tagger(steps):
    inputs = keras.Input((steps, 6))
    hidden = layers.LSTM(5, return_sequences=True, name="hidden")(inputs)
    return keras.Model(inputs, layers.Dense(3, name="tags")(hidden)), hidden


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
    # Each model has a program of its own, and XLA's differ in the last bit at times; PyTorch compiles none.
    exact = keras.config.backend() == "torch"
    last_bit = {"rtol": 0.0, "atol": 0.0} if exact else {"rtol": 1e-6, "atol": 1e-7}
    predicted = model.evaluate_self_prediction(x)
    assert loaded.evaluate_self_prediction(x) == pytest.approx(predicted, rel=last_bit["rtol"], abs=last_bit["atol"])
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), **last_bit)
    # The pruned classifier is an ordinary model, though its layers are called in a training graph too.
    model.classifier.save(tmp_path / "plain.keras")
    plain = keras.models.load_model(tmp_path / "plain.keras")
    np.testing.assert_allclose(plain.predict(x, verbose=0), model.predict(x, verbose=0), **last_bit)
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
        with pytest.raises(ValueError, match="custom `call`.*training"):
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
        ({"targets": "hidden", "output_layer": "tag"}, "output_layer='tag'; layers: hidden, tags"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ksm.SelfModelingModel(tagger(4)[0], **options)


def test_a_layer_of_several_outputs_is_not_guessed_at():
    inputs = keras.Input((4, 6))
    read, _ = layers.MultiHeadAttention(2, 3, name="mha")(inputs, inputs, return_attention_scores=True)
    classifier = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(read)))
    with pytest.raises(ValueError, match="'mha:0' to 'mha:1'"):
        ksm.SelfModelingModel(classifier, "mha")


def test_a_head_for_each_step_needs_steps():
    classifier = keras.Sequential([keras.Input((6,)), backbone(), layers.Dense(3)])
    with pytest.raises(ValueError, match="needs sequences"):
        ksm.SelfModelingModel(classifier, "backbone/block", per_timestep=True)


def test_a_loaded_classifier_may_have_the_names_that_keras_gives_next(data, cross_entropy, tmp_path):
    """Keras counts names anew in each process, and knows nothing of those of loaded layers."""
    x, y = data
    inputs = keras.Input((6,))
    branches = [layers.Dense(4, name="one")(inputs), layers.Dense(4, name="other")(inputs)]
    joined = layers.Concatenate(name="concatenate")(branches)
    classifier = keras.Model(inputs, layers.Dense(3)(joined + keras.ops.stop_gradient(joined)))
    keras.utils.clear_session()
    model = ksm.models.SelfModelingModel(classifier, ["one", "other"])
    model.compile("sgd", loss=cross_entropy)
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    keras.utils.clear_session()
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.classifier.get_layer("concatenate") is not None
    assert loaded.train_on_batch(x, y) == model.train_on_batch(x, y)
