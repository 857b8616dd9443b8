"""Each mistake is named, with what was possible, before training starts."""

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm


def test_an_unknown_target_lists_the_layers(classifier):
    with pytest.raises(ValueError, match="'hiden'.*layers: hidden, logits"):
        ksm.SelfModelingModel(classifier, ["hiden"])


def test_a_target_behind_the_features_is_refused(classifier):
    with pytest.raises(ValueError, match="'logits' is computed from the features"):
        ksm.SelfModelingModel(classifier, "logits")


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), "10", None])
def test_an_impossible_weight_is_refused(classifier, weight):
    with pytest.raises(ValueError, match="aux_weight"):
        ksm.SelfModelingModel(classifier, "hidden", weight)
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0)
    with pytest.raises(ValueError, match="aux_weight"):
        model.aux_weight = weight
    assert model.aux_weight == 1.0


@pytest.mark.parametrize("targets", [[], ["hidden", "hidden"], [3]])
def test_impossible_targets_are_refused(classifier, targets):
    with pytest.raises(ValueError, match="targets|target"):
        ksm.SelfModelingModel(classifier, targets)


def test_an_unknown_normalization_is_refused(classifier):
    with pytest.raises(ValueError, match="unit_rms.*'rms'"):
        ksm.SelfModelingModel(classifier, "hidden", target_normalization="rms")


def test_a_subclassed_classifier_is_refused():
    class Hidden(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="functional or Sequential.*Hidden"):
        ksm.SelfModelingModel(Hidden(), "hidden")


def test_an_unbuilt_sequential_is_refused():
    model = keras.Sequential([keras.layers.Dense(2, name="hidden"), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="input shape"):
        ksm.SelfModelingModel(model, "hidden")


def test_layer_called_twice_is_ambiguous():
    inputs = keras.Input((4,))
    twice = keras.layers.Dense(4, name="twice")
    model = keras.Model(inputs, keras.layers.Dense(2)(twice(twice(inputs))))
    with pytest.raises(ValueError, match="called 2 times"):
        ksm.SelfModelingModel(model, "twice")


def test_a_target_of_unknown_size_is_refused():
    inputs = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(9, 3, name="words")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(embedded)))
    with pytest.raises(ValueError, match=r"'words'.*None"):
        ksm.SelfModelingModel(model, "words")


def test_a_classifier_with_two_outputs_is_refused():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(4, name="hidden")(inputs)
    model = keras.Model(inputs, [keras.layers.Dense(2)(hidden), keras.layers.Dense(3)(hidden)])
    with pytest.raises(ValueError, match="output_layer.*several outputs"):
        ksm.SelfModelingModel(model, "hidden")


def test_a_classifier_without_dense_layer_is_refused():
    model = keras.Sequential([keras.Input((4,)), keras.layers.ReLU(name="hidden")])
    with pytest.raises(ValueError, match="without meeting a layer that has weights"):
        ksm.SelfModelingModel(model, "hidden")


def test_a_classifier_whose_scores_join_branches_is_refused():
    inputs = keras.Input((4,))
    branches = [keras.layers.Dense(2, name=name)(inputs) for name in "ab"]
    with pytest.raises(ValueError, match=r"which of '(a', 'b|b', 'a)' is .*output_layer.* join 2 branches"):
        ksm.SelfModelingModel(keras.Model(inputs, keras.layers.Add()(branches)), "a")


def test_a_head_of_the_wrong_size_is_refused(classifier):
    with pytest.raises(ValueError, match="8 target activations.*5 outputs"):
        ksm.SelfModelingModel(classifier, "hidden", head=keras.layers.Dense(5))


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_out_of_range_are_refused(classifier, data, cross_entropy, label):
    x, y = data
    y = np.where(np.arange(len(y)) == 5, label, y)
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    with pytest.raises(ValueError, match=r"0 … 2.*Received: labels from"):
        model.fit(x, y, verbose=0)


only_where_labels_of_weight_0_may_be_any = pytest.mark.skipif(
    keras.config.backend() != "jax", reason="the others' losses take no other label, whatever it weighs"
)


@only_where_labels_of_weight_0_may_be_any
def test_labels_of_weight_0_may_be_any(classifier, data, cross_entropy):
    x, y = data
    padded = np.where(np.arange(len(y)) == 5, -1, y)
    weights = np.where(np.arange(len(y)) == 5, 0.0, 1.0).astype("float32")
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    measured = [model.evaluate(x, labels, sample_weight=weights, verbose=0) for labels in (y, padded)]
    assert measured[0] == measured[1]
    model.fit(x, padded, sample_weight=weights, validation_data=(x, padded, weights), verbose=0)
    model.fit(x, padded, None, 1, 0, None, 0.0, (x, padded, weights), True, None, weights)
    with pytest.raises(ValueError, match="Received: labels from -1"):
        model.fit(x, padded, sample_weight=weights + 1, verbose=0)


@only_where_labels_of_weight_0_may_be_any
def test_labels_of_a_class_of_weight_0_may_be_any_where_it_counts(classifier, data, cross_entropy):
    x, y = data
    padded = np.where(np.arange(len(y)) == len(y) - 1, 7, y)
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    without_7 = {0: 1.0, 1: 1.0, 2: 1.0, 7: 0.0}
    model.fit(x, padded, class_weight=without_7, verbose=0)
    before = model.get_weights()
    for options in ({"class_weight": without_7 | {7: 1.0}}, {"class_weight": without_7, "validation_split": 0.2}):
        with pytest.raises(ValueError, match="Received: labels from 0 to 7"):
            model.fit(x, padded, verbose=0, **options)
    for after, weights in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(after, weights)


def of_two_outputs(cross_entropy, kind, loss=None):
    """A model of two outputs of three classes, and what gives values to them: by place, layers' names or keys."""
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(8, "relu", name="hidden")(inputs)
    outputs = [keras.layers.Dense(3, name=name)(hidden) for name in "ab"]
    keys = {"names": "ab", "keys": "pq"}.get(kind)

    def given(values):
        return values if keys is None else dict(zip(keys, values, strict=True))

    model = ksm.SelfModelingModel(keras.Model(inputs, given(outputs)), "hidden", output_layer="a")
    model.compile("sgd", loss=given([cross_entropy] * 2) if loss is None else loss)
    return model, given


@only_where_labels_of_weight_0_may_be_any
@pytest.mark.parametrize("kind", ["places", "names", "keys"])
def test_labels_of_each_output_have_its_own_weights(kind, data, cross_entropy):
    x, y = data
    padded = np.where(np.arange(len(y)) == 5, -1, y)
    weights = np.where(np.arange(len(y)) == 5, 0.0, 1.0).astype("float32")
    model, given = of_two_outputs(cross_entropy, kind)
    model.fit(x, given([y, padded]), sample_weight=given([weights + 1, weights]), verbose=0)
    model.fit(x, given([y, padded]), sample_weight=weights, verbose=0)
    with pytest.raises(ValueError, match="Received: labels from -1"):
        model.fit(x, given([y, padded]), sample_weight=given([weights, weights + 1]), verbose=0)


@only_where_labels_of_weight_0_may_be_any
@pytest.mark.filterwarnings("ignore::keras_selfmodel.rlct.RLCTWarning")  # Of five draws.
@pytest.mark.parametrize("kind", ["places", "names"])
def test_an_estimate_counts_labels_by_the_weights_of_their_output(kind, data, cross_entropy):
    x, y = data
    padded = np.where(np.arange(len(y)) == 5, -1, y)
    weights = np.where(np.arange(len(y)) == 5, 0.0, 1.0).astype("float32")
    model, given = of_two_outputs(cross_entropy, kind)
    few = {"loss": given([cross_entropy] * 2), "num_chains": 2, "num_draws": 5, "burn_in": 5, "seed": 1, "verbose": 0}
    right, wrong = (
        ksm.estimate_rlct(model.classifier, (x, given([y, labels]), given([weights + 1, weights])), **few).initial_loss
        for labels in (y, padded)
    )
    assert right == wrong


@pytest.mark.parametrize("kind", ["places", "names", "keys"])
@pytest.mark.parametrize("one_loss", [True, False])
def test_labels_out_of_range_of_a_second_output_are_refused(kind, one_loss, data, cross_entropy):
    x, y = data
    model, given = of_two_outputs(cross_entropy, kind, cross_entropy if one_loss else None)
    model.fit(x, given([y, y]), verbose=0)
    with pytest.raises(ValueError, match=r"0 … 2.*Received: labels from 0 to 3"):
        model.fit(x, given([y, np.where(np.arange(len(y)) == 5, 3, y)]), verbose=0)


@pytest.mark.parametrize(
    "structure",
    [
        lambda a, b: {"q": [a, b]},
        pytest.param(
            lambda a, b: [a, {"k": b}],
            marks=pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="plain Keras fails at it there"),
        ),
        lambda a, b: {"z": {"u": b}, "a": a},
        lambda a, b: {"b": a, "a": b},  # Not the layers of these names.
    ],
)
def test_labels_out_of_range_within_a_structure_are_refused(structure, data, cross_entropy):
    x, y = data
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(8, "relu", name="hidden")(inputs)
    outputs = structure(keras.layers.Dense(3, name="a")(hidden), keras.layers.Dense(5, name="b")(hidden))
    classifier = keras.Model(inputs, outputs)
    model = ksm.SelfModelingModel(classifier, "hidden", output_layer="a")
    for one in (model, classifier):
        one.compile("sgd", loss=cross_entropy)
    right = structure(y, y + 2)
    theirs = classifier.evaluate(x, right, verbose=0, return_dict=True)["loss"]
    assert model.evaluate(x, right, verbose=0, return_dict=True)["loss"] == pytest.approx(theirs, rel=1e-6)
    model.fit(x, right, verbose=0)
    for wrong, classes in ((structure(y + 1, y), 3), (structure(y, y + 3), 5)):
        with pytest.raises(ValueError, match=f"0 … {classes - 1},.*Received: labels from"):
            model.fit(x, wrong, verbose=0)


def test_labels_out_of_range_of_an_output_in_a_dictionary_are_refused(data, cross_entropy):
    x, y = data
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(8, "relu", name="hidden")(inputs)
    model = ksm.SelfModelingModel(keras.Model(inputs, {"out": keras.layers.Dense(3, name="a")(hidden)}), "hidden")
    model.compile("sgd", loss={"out": cross_entropy})
    model.fit(x, {"out": y}, verbose=0)
    with pytest.raises(ValueError, match=r"0 … 2.*Received: labels from 0 to 3"):
        model.fit(x, {"out": np.where(np.arange(len(y)) == 5, 3, y)}, verbose=0)


def test_arguments_without_names_are_those_of_keras(data, cross_entropy):
    x, y = data
    weights = np.random.default_rng(1).random(len(y)).astype("float32")

    def logs(fit):
        model = ksm.SelfModelingModel(ksm.models.mlp(8, inputs=6, classes=3, seed=7), "hidden", seed=1)
        model.compile("sgd", loss=cross_entropy)
        return fit(model).history, model.evaluate(x, y, 16, 0, weights), model.validate(x, y, 16, 0, weights)

    by_place = logs(lambda m: m.fit(x, y, 16, 2, 0, None, 0.25, None, False, None, weights))
    by_name = logs(
        lambda m: m.fit(
            x,
            y,
            batch_size=16,
            epochs=2,
            verbose=0,
            validation_split=0.25,
            shuffle=False,
            sample_weight=weights,
        )
    )
    assert by_place == by_name
    with pytest.raises(ValueError, match="class_weight must be a dictionary"):
        logs(lambda m: m.fit(x, y, 16, 1, 0, None, 0.0, None, True, [1.0, 2.0, 0.5]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda y: y + 0.5, "Class labels must be whole numbers.*such as [012].5"),
        (lambda y: pytest.importorskip("pandas").Series(y).astype("category"), r"y\.astype\(int\).*dtype category"),
        (lambda y: np.array(list("abc"))[y], "Class labels must be numbers.*np.unique.*such as '[abc]'"),
        (lambda y: np.array(list("abc"), object)[y], "Class labels must be numbers.*np.unique.*such as '[abc]'"),
    ],
)
def test_labels_that_are_no_numbers_of_classes_are_refused(classifier, data, cross_entropy, wrong, message):
    x, y = data
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            call(x, wrong(y), verbose=0)


@pytest.mark.parametrize("class_weight", ["x", [1.0, 2.0, 3.0]])
def test_class_weights_that_are_no_dictionary_are_refused(classifier, data, cross_entropy, class_weight):
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    with pytest.raises(ValueError, match="class_weight must be a dictionary.*Received: class_weight="):
        model.fit(*data, class_weight=class_weight, verbose=0)


def test_one_hot_labels_for_a_loss_of_class_numbers_are_refused(classifier, data, cross_entropy):
    x, y = data
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"one-hot.*np.argmax.*labels of shape \(48, 3\)"):
            call(x, np.eye(3)[y], verbose=0)


def test_a_compute_loss_without_the_auxiliary_loss_is_refused(classifier, data, cross_entropy):
    class OfTheTaskAlone(ksm.SelfModelingModel):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            # The head has a gradient, else Keras warns.
            return cross_entropy(y, y_pred) + sum(keras.ops.mean(weight) for weight in self.head.weights)

    model = OfTheTaskAlone(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    with pytest.raises(RuntimeError, match=r"^OfTheTaskAlone\.compute_loss leaves the auxiliary loss out.*super\(\)"):
        model.fit(*data, verbose=0)


def test_a_file_that_could_not_be_loaded_is_not_written(classifier, tmp_path):
    model = ksm.SelfModelingModel(classifier, "hidden")
    with pytest.raises(ValueError, match=r"'\.keras'.*model\.h5"):
        model.save(tmp_path / "model.h5")
    assert not list(tmp_path.iterdir())
    model.save_weights(tmp_path / "model.weights.h5")
    model.classifier.save(tmp_path / "plain.keras")


def test_a_schedule_on_a_plain_model_is_refused(classifier, data, cross_entropy):
    x, y = data
    classifier.compile("sgd", loss=cross_entropy)
    with pytest.raises(ValueError, match="SelfModelingModel.*Sequential"):
        classifier.fit(x, y, verbose=0, callbacks=[ksm.callbacks.AuxWeightSchedule(lambda epoch: 1.0)])
