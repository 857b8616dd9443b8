"""What a Keras user does with a model."""

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm


def compiled(model, loss, **kwargs):
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=loss, metrics=["accuracy"], **kwargs)
    return model


def test_predict_evaluate_and_call_speak_of_the_classifier_only(classifier, data, cross_entropy):
    x, y = data
    model = compiled(ksm.SelfModelingModel(classifier, "hidden", 5.0), cross_entropy)
    model.fit(x, y, epochs=2, verbose=0)
    plain = compiled(model.classifier, cross_entropy)
    np.testing.assert_array_equal(model.predict(x, verbose=0), plain.predict(x, verbose=0))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x)), keras.ops.convert_to_numpy(plain(x)))
    assert model.evaluate(x, y, verbose=0, return_dict=True) == plain.evaluate(x, y, verbose=0, return_dict=True)


def test_logs_name_both_parts_of_the_loss(classifier, data, cross_entropy):
    x, y = data
    model = compiled(ksm.SelfModelingModel(classifier, "hidden", 5.0), cross_entropy)
    history = model.fit(
        x, y, batch_size=20, epochs=2, verbose=0, validation_data=(x, y), callbacks=[ksm.callbacks.WeightSpread()]
    ).history
    assert set(history) == {
        "loss", "task_loss", "self_prediction_loss", "self_prediction_r2", "accuracy", "val_loss", "val_accuracy",
        "val_self_prediction_loss", "val_self_prediction_r2",
        "weight_spread", "weight_interquartile_range", "weight_excess_kurtosis",
    }  # fmt: skip
    weighted_sum = np.array(history["task_loss"]) + 5.0 * np.array(history["self_prediction_loss"])
    np.testing.assert_allclose(history["loss"], weighted_sum, rtol=1e-6)
    measured = model.evaluate(x, y, verbose=0, return_dict=True) | model.evaluate_self_prediction(x)
    assert {type(value) for values in (*history.values(), measured.values()) for value in values} == {float}


def test_classifier_is_the_object_passed_and_shares_its_weights(classifier, data, cross_entropy):
    x, y = data
    model = compiled(ksm.SelfModelingModel(classifier, "hidden"), cross_entropy)
    before = classifier.get_weights()[0]
    model.fit(x, y, verbose=0)
    assert model.classifier is classifier
    assert not np.array_equal(before, classifier.get_weights()[0])


def test_self_prediction_improves_with_training(classifier, data, cross_entropy):
    x, y = data
    model = compiled(ksm.SelfModelingModel(classifier, "hidden", 10.0, seed=1), cross_entropy)
    before = model.evaluate_self_prediction(x)
    # In the same order always: in some, all units that are predicted die.
    model.fit(x, y, batch_size=16, epochs=60, shuffle=False, verbose=0)
    after = model.evaluate_self_prediction(x)
    assert after["self_prediction_loss"] < before["self_prediction_loss"] / 5
    assert after["self_prediction_r2"] > 0.8


def test_saved_and_loaded_model_trains_on_as_if_never_saved(classifier, data, cross_entropy, tmp_path):
    x, y = data
    model = compiled(
        ksm.SelfModelingModel(classifier, ["hidden"], 5.0, stop_gradient=False, target_normalization="unit_rms"),
        cross_entropy,
    )
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.aux_weight = 2.5
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.aux_weight, loaded.targets, loaded.stop_gradient, loaded.target_normalization) == (
        2.5, ("hidden",), False, "unit_rms",
    )  # fmt: skip
    ours = model.fit(x, y, epochs=2, shuffle=False, verbose=0).history
    theirs = loaded.fit(x, y, epochs=2, shuffle=False, verbose=0).history
    assert ours == theirs
    for mine, its in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_own_head_is_used_saved_and_loaded(classifier, data, cross_entropy, tmp_path):
    x, y = data
    head = keras.Sequential([keras.layers.Dense(5, activation="relu"), keras.layers.Dense(8)])
    model = compiled(ksm.SelfModelingModel(classifier, "hidden", head=head), cross_entropy)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate_self_prediction(x) == model.evaluate_self_prediction(x)


def test_backup_and_restore_goes_on_where_it_stopped(data, cross_entropy, tmp_path):
    x, y = data

    class Crash(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("crash")

    def model():
        classifier = ksm.models.mlp(8, inputs=6, classes=3, seed=7)
        return compiled(ksm.SelfModelingModel(classifier, "hidden", 5.0, seed=1), cross_entropy)

    undisturbed = model()
    undisturbed.fit(x, y, epochs=4, shuffle=False, verbose=0)
    crashed, backup = model(), keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(RuntimeError, match="crash"):
        crashed.fit(x, y, epochs=4, shuffle=False, verbose=0, callbacks=[backup, Crash()])
    resumed = model()
    resumed.fit(
        x, y, epochs=4, shuffle=False, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")]
    )
    for ours, theirs in zip(resumed.get_weights(), undisturbed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


# jax2tf, which Keras calls, passes on an argument that it has deprecated itself.
@pytest.mark.filterwarnings("ignore:The `native_serialization` parameter:DeprecationWarning")
def test_exported_model_gives_the_classifiers_scores(classifier, data, tmp_path):
    tf = pytest.importorskip("tensorflow", reason="SavedModel is read with TensorFlow")
    if keras.config.backend() == "torch":
        pytest.skip("Keras exports SavedModel from TensorFlow and JAX")
    x, _ = data
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(x), classifier.predict(x, verbose=0), atol=1e-6)


@pytest.mark.on_cpu
def test_batch_norm_and_dropout_behave_as_in_the_plain_classifier(data, cross_entropy):
    x, y = data

    def network():
        inputs = keras.Input((6,))
        hidden = keras.layers.Dense(8, kernel_initializer=ksm.initializers.FanInUniform(1))(inputs)
        hidden = keras.layers.ReLU(name="hidden")(keras.layers.BatchNormalization()(hidden))
        dropped = keras.layers.Dropout(0.5, seed=3)(hidden)
        logits = keras.layers.Dense(3, kernel_initializer=ksm.initializers.FanInUniform(2), name="logits")
        return keras.Model(inputs, logits(dropped))

    plain = compiled(network(), cross_entropy)
    model = compiled(ksm.SelfModelingModel(network(), "hidden", 0.0), cross_entropy)
    for each in (plain, model):
        each.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    # Bit for bit, moving averages and dropout masks included: the joint network draws and updates them once a step.
    for ours, theirs in zip(model.classifier.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_several_inputs_by_name(cross_entropy):
    rng = np.random.default_rng(0)
    x = {"left": rng.normal(size=(20, 3)).astype("float32"), "right": rng.normal(size=(20, 2)).astype("float32")}
    inputs = {"left": keras.Input((3,), name="left"), "right": keras.Input((2,), name="right")}
    both = keras.layers.Concatenate()([inputs["left"], inputs["right"]])
    hidden = keras.layers.Dense(4, activation="relu", name="hidden")(both)
    classifier = keras.Model(inputs, keras.layers.Dense(3)(hidden))
    model = compiled(ksm.SelfModelingModel(classifier, "hidden", 1.0), cross_entropy)
    history = model.fit(x, rng.integers(0, 3, 20), epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    np.testing.assert_array_equal(model.predict(x, verbose=0), classifier.predict(x, verbose=0))
    assert model.evaluate_self_prediction(x, batch_size=7)["self_prediction_loss"] > 0


def test_regularization_losses_count_as_task_loss(data, cross_entropy):
    x, y = data
    layers = [keras.Input((6,)), keras.layers.Dense(4, name="hidden", kernel_regularizer=keras.regularizers.L2(0.5))]
    classifier = keras.Sequential([*layers, keras.layers.Dense(3)])
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0)
    model.compile(keras.optimizers.SGD(0.0), loss=cross_entropy)
    logs = model.train_on_batch(x, y, return_dict=True)
    penalty = 0.5 * np.sum(classifier.layers[0].get_weights()[0] ** 2)
    classifier.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    np.testing.assert_allclose(logs["task_loss"], classifier.evaluate(x, y, verbose=0), rtol=1e-5)
    assert logs["task_loss"] > penalty


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_near_single_precision(policy, data, cross_entropy):
    x, y = data
    losses = []
    for name in ("float32", policy):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(name)
        try:
            classifier = ksm.models.mlp(8, inputs=6, classes=3, seed=7)
            model = compiled(ksm.SelfModelingModel(classifier, "hidden", 5.0, seed=5), cross_entropy)
            losses.append(model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0).history["loss"])
        finally:
            keras.config.set_dtype_policy(before)
    # bfloat16 keeps 8 bits: relative errors of 2⁻⁸ in each activation.
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)


@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"jit_compile": True}, {"steps_per_execution": 2}])
def test_compile_options_do_not_change_the_result(options, data, cross_entropy):
    if keras.config.backend() == "torch" and "run_eagerly" not in options:
        pytest.skip("torch: steps_per_execution must be 1, and jit_compile takes over a minute to start")
    x, y = data
    weights = []
    for chosen in ({}, options):
        classifier = ksm.models.mlp(8, inputs=6, classes=3, seed=7)
        model = compiled(ksm.SelfModelingModel(classifier, "hidden", 5.0, seed=5), cross_entropy, **chosen)
        model.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_aux_weight_changes_without_retracing(classifier, data, cross_entropy):
    x, y = data
    traces = []

    class Counting(ksm.SelfModelingModel):
        def compute_loss(self, *args, **kwargs):
            traces.append(1)
            return super().compute_loss(*args, **kwargs)

    model = compiled(Counting(classifier, "hidden", 1.0), cross_entropy)
    model.fit(x, y, batch_size=16, verbose=0)
    before = len(traces)
    history = model.fit(
        x, y, batch_size=16, epochs=3, verbose=0, callbacks=[ksm.callbacks.AuxWeightSchedule(lambda e: 10.0**e)]
    ).history
    assert keras.config.backend() == "torch" or len(traces) == before  # torch runs the Python of every step
    factors = (np.array(history["loss"]) - np.array(history["task_loss"])) / np.array(history["self_prediction_loss"])
    np.testing.assert_allclose(factors, [1.0, 10.0, 100.0], rtol=1e-3)
    assert model.aux_weight == 100.0


class AtMostTen(keras.layers.Layer):
    """Looks at the length of a sequence, as position embeddings do."""

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)

    def call(self, x):
        if x.shape[1] > 10:
            raise ValueError("The sequence is too long.")
        return x


def test_a_classifier_of_sequences_of_any_length_can_be_wrapped():
    """Traced as a whole, its length would be unknown where the layer looks at it."""
    inputs = keras.Input((None, 3))
    pooled = keras.layers.GlobalAveragePooling1D(name="pooled")(AtMostTen()(inputs))
    model = ksm.SelfModelingModel(keras.Model(inputs, keras.layers.Dense(2)(pooled)), "pooled")
    assert model(np.ones((4, 7, 3), "float32")).shape == (4, 2)


def test_validation_is_that_of_the_plain_classifier_and_of_its_self_prediction(classifier, data, cross_entropy):
    x, y = data
    model = compiled(ksm.SelfModelingModel(classifier, "hidden", 5.0), cross_entropy)
    stop = keras.callbacks.EarlyStopping("val_self_prediction_loss", mode="max", patience=0)
    history = model.fit(x, y, epochs=3, validation_data=(x, y), callbacks=[stop], verbose=0).history
    assert len(history["loss"]) < 3  # it falls, and is to rise
    last = {name.removeprefix("val_"): values[-1] for name, values in history.items() if name.startswith("val_")}
    wanted = model.evaluate(x, y, verbose=0, return_dict=True) | model.evaluate_self_prediction(x)
    assert last == pytest.approx(wanted, rel=1e-5)
    assert model.evaluate(x, y, verbose=0) == pytest.approx([wanted["loss"], wanted["accuracy"]])
