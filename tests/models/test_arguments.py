"""Arguments of a wrong type are named, with what was received, before anything is built."""

import json

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm


@pytest.fixture(scope="module")
def plain():
    return ksm.models.mlp(3, inputs=2, classes=2, seed=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"aux_weight": [1.0]}, "aux_weight must be a number.*aux_weight=\\[1.0\\]"),
        ({"aux_weight": True}, "aux_weight must be a number.*aux_weight=True"),
        ({"stop_gradient": "x"}, "stop_gradient must be True or False.*'x'"),
        ({"per_timestep": "yes"}, "per_timestep must be True or False.*'yes'"),
        ({"steps_ahead": None}, "steps_ahead must be a whole number.*steps_ahead=None"),
        ({"steps_ahead": "1", "per_timestep": True}, "steps_ahead must be a whole number.*steps_ahead='1'"),
        ({"target_transformation": "x"}, "target_transformation must be a keras.Layer.*'x' of type str"),
        ({"head": lambda units: None}, "head must be a keras.Layer, a function of n.*returns None of type NoneType"),
        ({"seed": "a"}, "seed must be a whole number, at least 0.*seed='a'"),
        ({"seed": True}, "seed must be a whole number, at least 0.*seed=True"),
        ({"steps_ahead": 1}, "steps_ahead needs per_timestep=True. Received: steps_ahead=1, per_timestep=False"),
        ({"seed": [1, -2]}, r"seed must be a whole number, at least 0.*seed=\[1, -2\]"),
        ({"seed": 1.5, "head": ksm.layers.BiasOnlyHead}, "seed must be a whole number.*seed=1.5"),
    ],
)
def test_an_argument_of_a_wrong_type_is_refused(plain, arguments, message):
    with pytest.raises(ValueError, match=message):
        ksm.SelfModelingModel(plain, "hidden", **arguments)


@pytest.mark.parametrize("classifier", [None, "x"])
def test_what_is_no_classifier_is_refused(classifier):
    message = f"classifier must be a functional or Sequential Keras model.*Received: {classifier!r} of type"
    for build in (
        lambda: ksm.SelfModelingModel(classifier, "hidden"),
        lambda: ksm.models.WeightDecayModel(classifier, 0.1),
        lambda: ksm.models.DropoutModel(classifier, 0.1),
    ):
        with pytest.raises(ValueError, match=message):
            build()


def test_wrong_arguments_of_other_objectives_are_refused(plain):
    with pytest.raises(ValueError, match="rate must be a number.*rate='x'"):
        ksm.models.DropoutModel(plain, "x")
    with pytest.raises(ValueError, match="layers must be names of layers.*layers=3"):
        ksm.models.WeightDecayModel(plain, 0.1, layers=3)
    with pytest.raises(ValueError, match="seed must be a whole number"):
        ksm.models.mlp(3, seed="a")


def test_seeds_of_numpy_are_seeds(plain):
    of_numpy, of_python = (ksm.SelfModelingModel(plain, "hidden", seed=seed) for seed in (np.int64(3), 3))
    for ours, theirs in zip(of_numpy.head.get_weights(), of_python.head.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # A file can hold it.
    assert json.loads(json.dumps(of_numpy.head.get_config()["seed"])) == 3


@pytest.mark.parametrize("x", [None, "x", b"x", np.zeros((0, 6)), np.zeros(()), {}, [None]])
def test_evaluate_self_prediction_needs_samples(x):
    hidden = keras.layers.Dense(4, name="hidden")
    model = ksm.SelfModelingModel(keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(3)]), "hidden")
    with pytest.raises(ValueError, match="evaluate_self_prediction needs"):
        model.evaluate_self_prediction(x)


def test_other_arguments_of_evaluate_self_prediction_are_checked(plain):
    model = ksm.SelfModelingModel(plain, "hidden")
    with pytest.raises(ValueError, match="steps must be a whole number, at least 1. Received: steps='a'"):
        model.evaluate_self_prediction(np.zeros((6, 2)), steps="a")
    with pytest.raises(ValueError, match="sample_weight must have a row for each of 6 samples. Received: 5"):
        model.evaluate_self_prediction(np.zeros((6, 2)), sample_weight=np.ones(5))


def test_a_model_that_wraps_a_classifier_is_none(plain):
    with pytest.raises(ValueError, match="Pass its classifier, model.classifier"):
        ksm.SelfModelingModel(ksm.SelfModelingModel(plain, "hidden"), "hidden")
    with pytest.raises(ValueError, match="classifier must be a functional or Sequential.* of type Dense"):
        ksm.SelfModelingModel(keras.layers.Dense(3), "hidden")


@pytest.mark.parametrize("label", [1, None, "1"])
def test_labels_of_python_objects_are_refused(plain, label):
    model = ksm.SelfModelingModel(plain, "hidden")
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match="Class labels must be .*numbers"):
        model.fit(np.zeros((2, 2)), np.array([0, label], dtype=object), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"head": lambda: keras.layers.Dense(4)}, "head must be .* which does not take n alone"),
        ({"head": "the classifier's own"}, "head must be a layer of its own.* Received: head='hidden', a layer of"),
        ({"output_layer": -1}, "output_layer must be the name of a layer of the classifier. Received: output_layer=-1"),
        ({"output_layer": ["out"]}, "output_layer must be the name of a layer .* Received: output_layer=\\['out'\\]"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_head_or_output_layer_of_a_wrong_kind_is_refused_by_its_name(arguments, words):
    hidden = keras.layers.Dense(4, name="hidden")
    classifier = keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(3, name="out")])
    if arguments.get("head") == "the classifier's own":
        arguments = {"head": hidden}
    with pytest.raises(ValueError, match=words):
        ksm.SelfModelingModel(classifier, "hidden", **arguments)


def test_sizes_that_are_whole_are_sizes():
    floats = ksm.models.mlp(3.0, inputs=np.float32(2), classes=np.int64(2), seed=1)
    for one, other in zip(
        floats.get_weights(), ksm.models.mlp(3, inputs=2, classes=2, seed=1).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert ksm.models.text_classifier(9.0, embedding=4.0, hidden=3.0, seed=1).count_params() > 0
    assert ksm.models.resnet18(4.0, image=(8.0, 8, 3), widths=(2.0,), classes=3.0).output_shape == (None, 3)


def test_a_head_that_is_a_layer_of_a_nested_model_is_refused():
    inner = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6, name="inside")], name="backbone")
    classifier = keras.Sequential([keras.Input((6,)), inner, keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="head must be a layer of its own"):
        ksm.SelfModelingModel(classifier, "backbone/inside", features="backbone/inside", head=inner.layers[0])
