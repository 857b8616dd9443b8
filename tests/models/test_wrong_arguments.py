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


takes_labels_of_weight_0 = pytest.mark.skipif(
    keras.config.backend() != "jax", reason="the others' losses take no other label, whatever it weighs"
)


@takes_labels_of_weight_0
def test_labels_of_weight_0_may_be_any(classifier, data, cross_entropy):
    x, y = data
    padded = np.where(np.arange(len(y)) == 5, -1, y)
    weights = np.where(np.arange(len(y)) == 5, 0.0, 1.0).astype("float32")
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    measured = [model.evaluate(x, labels, sample_weight=weights, verbose=0) for labels in (y, padded)]
    assert measured[0] == measured[1]
    model.fit(x, padded, sample_weight=weights, validation_data=(x, padded, weights), verbose=0)
    with pytest.raises(ValueError, match="Received: labels from -1"):
        model.fit(x, padded, sample_weight=weights + 1, verbose=0)
    # Without their names, as `fit` and `evaluate` of Keras take them.
    model.fit(x, padded, None, 1, 0, None, 0.0, (x, padded, weights), True, None, weights)
    assert model.evaluate(x, padded, None, 0, weights) == model.evaluate(x, y, None, 0, weights)


@takes_labels_of_weight_0
def test_labels_of_a_class_of_weight_0_may_be_any(classifier, data, cross_entropy):
    x, y = data
    padded = np.where(np.arange(len(y)) == 5, 7, y)
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss=cross_entropy)
    model.fit(x, padded, class_weight={0: 1.0, 1: 1.0, 2: 1.0, 7: 0.0}, verbose=0)
    with pytest.raises(ValueError, match="Received: labels from 0 to 7"):
        model.fit(x, padded, class_weight={0: 1.0, 1: 1.0, 2: 0.0, 7: 1.0}, verbose=0)


@takes_labels_of_weight_0
@pytest.mark.filterwarnings("ignore::keras_selfmodel.rlct.RLCTWarning")  # Of five draws.
@pytest.mark.parametrize("given", [list, lambda values: dict(zip("ab", values, strict=True))])
def test_labels_of_each_output_have_its_weights(given, data, cross_entropy):
    x, y = data
    padded = np.where(np.arange(len(y)) == 5, -1, y)
    weights = np.where(np.arange(len(y)) == 5, 0.0, 1.0).astype("float32")
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(8, "relu", name="hidden")(inputs)
    outputs = {name: keras.layers.Dense(3, name=name)(hidden) for name in "ab"}
    classifier = keras.Model(inputs, outputs if given is not list else list(outputs.values()))
    model = ksm.SelfModelingModel(classifier, "hidden", output_layer="a")
    model.compile("sgd", loss=given([cross_entropy, cross_entropy]))
    ones = np.ones_like(weights)
    model.fit(x, given([y, padded]), sample_weight=given([ones, weights]), verbose=0)
    with pytest.raises(ValueError, match="Received: labels from -1"):
        model.fit(x, given([y, padded]), sample_weight=given([weights, ones]), verbose=0)
    estimated = {
        name: ksm.estimate_rlct(
            classifier,
            (x, given([y, labels]), given([ones, weights])),
            loss=given([cross_entropy, cross_entropy]),
            num_chains=2,
            num_draws=5,
            burn_in=5,
            seed=1,
            verbose=0,
        ).initial_loss
        for name, labels in (("y", y), ("padded", padded))
    }
    assert estimated["y"] == estimated["padded"]


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
