"""Arguments that cannot be are refused by their names, before anything is computed."""

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm

X = np.random.default_rng(0).normal(size=(24, 6)).astype("float32")
Y = np.arange(24) % 3


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"batch_size": "8"}, "batch_size must be a whole number from 2 to .* Received: batch_size='8'"),
        ({"num_draws": [3]}, r"num_draws must be a whole number .* Received: num_draws=\[3\]"),
        ({"seed": "a"}, "seed must be a whole number .* Received: seed='a'"),
        ({"burn_in": True}, "burn_in must be a whole number .* Received: burn_in=True"),
        ({"step_size": "auto"}, "step_size must be finite and positive. Received: step_size='auto'"),
        ({"localization": "1"}, "localization must be finite and not negative. Received: localization='1'"),
        ({"num_samples": "5"}, "num_samples must be a whole number, at least 3. Received: num_samples='5'"),
        ({"memory_limit": "4G"}, "memory_limit must be a number of bytes above 0. Received: memory_limit='4G'"),
        ({"memory_limit": -1}, "memory_limit must be a number of bytes above 0. Received: memory_limit=-1"),
        ({"weights": 3}, "weights must name layers or trainable variables of the model.* Received: 3"),
        ({"observe": [(X, Y)]}, "observe must be a dictionary of further data sets by name.*type list"),
        ({"observe": {"a": X}}, r"observe\['a'\]: "),
        ({"progress": 3}, "progress must be a function, or None. Received: progress=3"),
        ({"phase": "p"}, "phase must be a function, or None. Received: phase='p'"),
        ({"checkpoint": 3}, "checkpoint must be the name of a file. Received: checkpoint=3"),
        ({"loss": keras.losses.MeanSquaredError}, r"loss must be a loss, not its class: pass MeanSquaredError\(\)"),
        ({"loss": {"x": "mse"}}, "loss must be of outputs of the model: dense.*. Received: a loss for 'x'"),
        ({"loss": lambda y, scores: None}, "The loss must return a number for each sample. Received: None"),
        ({"class_weight": {0: -1.0}}, "class_weight must not be negative"),
        ({"class_weight": {"a": 1.0}}, "class_weight must be a dictionary of the weight of each class"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_argument_of_estimate_rlct_is_refused_by_its_name(model, arguments, words):
    with pytest.raises(ValueError, match=words):
        ksm.estimate_rlct(model, (X, Y), verbose=0, **arguments)


def test_numbers_of_numpy_and_whole_floats_are_taken(model):
    given = {"num_samples": 20.0, "memory_limit": np.float32(1e6), "batch_size": np.int64(8), "seed": np.array(3)}
    steps = {"burn_in": 1, "num_draws": np.int32(4), "num_chains": 1, "step_size": np.float64(1e-6)}
    with pytest.warns(ksm.rlct.RLCTWarning):
        estimate = ksm.estimate_rlct(model, (X, Y), class_weight={0.0: 1.0, 1: 2}, verbose=0, **given, **steps)
    assert (estimate.num_samples, estimate.settings.batch_size, estimate.settings.seed) == (20, 8, 3)


@pytest.mark.parametrize("weights", [np.ones((24, 3)), np.ones((24, 1, 2))])
def test_weights_of_another_shape_than_the_losses_are_refused(model, weights):
    with pytest.raises(ValueError, match=r"Sample weights must have the shape of the losses, \(batch,\), or"):
        ksm.estimate_rlct(model, (X, Y, weights), verbose=0)


@pytest.mark.parametrize(
    ("losses", "weights", "words"),
    [
        (3, {"a": np.ones(2)}, "losses must be a function of weights and a batch. Received: losses=3"),
        (lambda weights, batch: batch[0][:, 0], "w", "weights must hold arrays of numbers. Received: weights='w'"),
    ],
)
def test_a_wrong_argument_of_estimate_of_function_is_refused_by_its_name(losses, weights, words):
    with pytest.raises(ValueError, match=words):
        ksm.rlct.estimate_of_function(losses, weights, (X, Y), verbose=0)


@pytest.mark.parametrize("x", [None, "x", X[:0], {}])
def test_evaluate_self_prediction_needs_samples(x):
    hidden = keras.layers.Dense(4, name="hidden")
    model = ksm.SelfModelingModel(keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(3)]), "hidden")
    with pytest.raises(ValueError, match="evaluate_self_prediction needs"):
        model.evaluate_self_prediction(x)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"head": lambda: keras.layers.Dense(4)}, "head must be .* which does not take n alone"),
        ({"output_layer": -1}, "output_layer must be the name of a layer of the classifier. Received: output_layer=-1"),
        ({"output_layer": ["out"]}, "output_layer must be the name of a layer .* Received: output_layer=\\['out'\\]"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_head_or_output_layer_of_a_wrong_kind_is_refused_by_its_name(arguments, words):
    hidden = keras.layers.Dense(4, name="hidden")
    classifier = keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(3, name="out")])
    with pytest.raises(ValueError, match=words):
        ksm.SelfModelingModel(classifier, "hidden", **arguments)
