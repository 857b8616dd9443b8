import keras
import numpy as np
import pytest
from keras import layers

from keras_selfmodel import SelfModelingModel
from keras_selfmodel.layers import Signs
from keras_selfmodel.probes.linear_head import linear_self_model
from keras_selfmodel.probes.network_tap import NetworkTap

X = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")


def _classifier(*between) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, activation="relu", name="first"),
            layers.Dense(5, activation="tanh", name="second"),
            *between,
            layers.Dense(3, name="logits"),
            layers.Softmax(),
        ]
    )


def _self_model(model):
    values = NetworkTap(model, model.targets).read(X)
    return (*linear_self_model(model, values), values)


def test_the_map_is_the_part_of_the_head_that_predicts_what_it_reads():
    model = SelfModelingModel(_classifier(), ["first", "second"], seed=1)
    weights, bias, values = _self_model(model)
    said = keras.ops.convert_to_numpy(model.joint_outputs(X)["self_prediction"])[:, 6:]
    # Single precision, values of order one.
    np.testing.assert_allclose(values.features @ weights.T + bias, said, atol=1e-5)


def test_a_dropout_between_target_and_head_changes_nothing():
    model = SelfModelingModel(_classifier(layers.Dropout(0.5)), "second")
    assert _self_model(model)[0].shape == (5, 5)


def test_the_tap_reads_the_layers_and_the_scores_before_the_softmax():
    model = _classifier()
    values = NetworkTap(model, ["first"]).read(X)
    kernels = [keras.ops.convert_to_numpy(layer.kernel) for layer in model.layers[:3]]
    first = np.maximum(X @ kernels[0], 0)  # Keras starts biases at zero
    features = np.tanh(first @ kernels[1])
    np.testing.assert_allclose(values.activations[0], first, atol=1e-5)
    np.testing.assert_allclose(values.features, features, atol=1e-5)
    np.testing.assert_allclose(values.scores, features @ kernels[2], atol=1e-5)


def test_a_head_that_is_no_linear_map_is_refused():
    head = keras.Sequential([layers.Dense(8), layers.Dense(5)], name="deep")
    with pytest.raises(ValueError, match="one linear map.*Received: Sequential 'deep'"):
        _self_model(SelfModelingModel(_classifier(), "second", head=head))
    with pytest.raises(ValueError, match="one linear map"):
        _self_model(SelfModelingModel(_classifier(), "second", head=layers.Dense(5, activation="relu")))


def test_a_head_that_predicts_other_layers_than_it_reads_is_refused():
    with pytest.raises(ValueError, match=r"No target of this network.*targets 'first'"):
        _self_model(SelfModelingModel(_classifier(), "first"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"target_normalization": "unit_rms"}, "unit_rms"), ({"target_transformation": Signs()}, "Signs")],
)
def test_targets_that_are_other_numbers_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        _self_model(SelfModelingModel(_classifier(), "second", **changes))
