"""Arguments that cannot be are refused by their names, before anything is computed."""

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm

X = np.random.default_rng(0).normal(size=(24, 6)).astype("float32")
Y = np.arange(24) % 3


class OneFloat(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return 3.0


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
        ({"memory_limit": True}, "memory_limit must be a number of bytes above 0. Received: memory_limit=True"),
        ({"memory_limit": -1}, "memory_limit must be a number of bytes above 0. Received: memory_limit=-1"),
        ({"weights": 3}, "weights must name layers or trainable variables of the model.* Received: 3"),
        ({"observe": [(X, Y)]}, "observe must be a dictionary of further data sets by name.*type list"),
        ({"weights": b"dense"}, "weights must name layers or trainable variables of the model.* Received: b'dense'"),
        ({"observe": {"a": X}}, r"observe\['a'\]: "),
        ({"observe": {"a": (X[:, :3], Y)}}, r"observe\['a'\]: The model takes inputs of shape \(None, 6\).*\(24, 3\)"),
        ({"observe": {"a": (X, Y + 9)}}, r"observe\['a'\]: Class labels must lie in 0 … 2"),
        ({"observe": {"a": (X, Y, np.ones((24, 2)))}}, r"observe\['a'\]: Sample weights must have the shape"),
        ({"profile": "x"}, "profile must be a list of localizations.* Received: profile='x'"),
        ({"profile": 3.0}, "profile must be a list of localizations.* Received: profile=3.0"),
        ({"profile": [True]}, r"profile must be a list of localizations.* Received: profile=\[True\]"),
        ({"profile": [1.0, -1.0]}, "profile must be .*each finite and positive"),
        ({"profile": True, "convention": "paper"}, "there is no profile"),
        ({"progress": 3}, "progress must be a function, or None. Received: progress=3"),
        ({"phase": "p"}, "phase must be a function, or None. Received: phase='p'"),
        ({"checkpoint": 3}, "checkpoint must be the name of a file. Received: checkpoint=3"),
        ({"loss": keras.losses.MeanSquaredError}, r"loss must be a loss, not its class: pass MeanSquaredError\(\)"),
        ({"loss": {"x": "mse"}}, "loss must be of outputs of the model: dense.*. Received: loss for 'x'"),
        ({"loss": lambda scores: scores}, "loss must be a function of two arguments, labels and outputs"),
        ({"loss": lambda y, scores: None}, "The loss must return a number for each sample.* Received: None"),
        ({"loss": lambda y, scores: 3.0}, "The loss must return a number for each sample.* Received: 3.0"),
        ({"loss": lambda y, scores: np.float64(2.0)}, "The loss must return a number for each sample.* Received: .*2"),
        ({"loss": OneFloat()}, "The loss must return a number for each sample.* Received: 3.0"),
        ({"loss": keras.metrics.MeanSquaredError()}, "loss must be a loss, not a metric"),
        ({"class_weight": {0: True}}, "class_weight must be a dictionary of the weight of each class"),
        ({"class_weight": {0: float("nan")}}, "class_weight must be a dictionary of the weight of each class"),
        ({"class_weight": {0: -1.0}}, "class_weight must not be negative"),
        ({"class_weight": {"a": 1.0}}, "class_weight must be a dictionary of the weight of each class"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_argument_of_estimate_rlct_is_refused_by_its_name(model, arguments, words):
    with pytest.raises(ValueError, match=words):
        ksm.estimate_rlct(model, (X, Y), verbose=0, **arguments)


def test_numbers_of_numpy_and_tensors_and_names_of_files_are_taken(model, tmp_path):
    class Place:
        def __fspath__(self) -> str:
            return str(tmp_path / "chains.npz")

    given = {"num_samples": 20.0, "memory_limit": np.float32(1e6), "batch_size": np.int64(8), "seed": np.array(3)}
    steps = {"burn_in": 1, "num_draws": np.int32(4), "num_chains": 1, "step_size": np.float64(1e-6)}
    tensors = {"inverse_temperature": keras.ops.array(5.0), "localization": keras.ops.cast(1.0, "bfloat16")}
    weights = {0.0: keras.ops.array(1.0), 1: 2}
    with pytest.warns(ksm.rlct.RLCTWarning):
        estimate = ksm.estimate_rlct(
            model, (X, Y), class_weight=weights, verbose=0, checkpoint=Place(), **given, **steps, **tensors
        )
    assert (estimate.num_samples, estimate.settings.batch_size, estimate.settings.seed) == (20, 8, 3)
    assert (estimate.inverse_temperature, estimate.localization) == (5.0, 1.0)
    assert (tmp_path / "chains.npz").exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([(X, Y), (X, Y)], r"The model takes 1 input. Received: x of 2 arrays .*\(x, y\).*no batches"),
        ((X, [Y, Y]), "y must have an array for each of the model's 1 output.* Received: 2 arrays"),
        ((X, Y, [np.ones(24), None, np.ones(24)]), "sample_weight must have an array for each .* Received: 3 arrays"),
        ((X, Y, {"x": np.ones(24)}), "sample_weight must be of outputs of the model: dense.* sample_weight for 'x'"),
        (([[1.0], [1.0, 2.0], [3.0]], [0, 1, 2]), "x must be an array: numbers in nested lists"),
    ],
)
def test_data_of_another_structure_than_the_models_are_refused(model, data, words):
    with pytest.raises(ValueError, match=words):
        ksm.estimate_rlct(model, data, verbose=0)


@pytest.mark.parametrize("outputs", ["one", "list"])
def test_names_of_outputs_that_have_none_are_refused(outputs):
    class Unnamed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, x):
            return self.dense(x) if outputs == "one" else [self.dense(x)] * 2

    model = Unnamed()
    model(X)
    with pytest.raises(ValueError, match="loss must be a list: outputs have no names. Received: loss for 'a'"):
        ksm.estimate_rlct(model, (X, Y), loss={"a": "mse"}, verbose=0)


def test_labels_of_an_output_with_a_loss_must_be_there():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, {name: keras.layers.Dense(1, name=name)(inputs) for name in "ab"})
    for y, words in (({"a": Y}, "y has no labels of output 'b'.*y for 'a'"), ([Y, Y], "y must be a dictionary by")):
        with pytest.raises(ValueError, match=words):
            ksm.estimate_rlct(model, (X, y), loss={"a": "mse", "b": "mse"}, verbose=0)


@pytest.mark.parametrize("weights", [np.ones((24, 3)), np.ones((24, 1, 2))])
def test_weights_of_another_shape_than_the_losses_are_refused(model, weights):
    with pytest.raises(ValueError, match=r"Sample weights must have the shape of the losses, \(batch,\), or"):
        ksm.estimate_rlct(model, (X, Y, weights), verbose=0)


@pytest.mark.parametrize(
    ("losses", "weights", "words"),
    [
        (3, {"a": np.ones(2)}, "losses must be a function of weights and a batch. Received: losses=3"),
        (lambda weights, batch: 3.0, {"a": np.ones(2)}, r"losses must return .*\(24,\). Received: 3.0"),
        (lambda weights, batch: batch[0][:, 0], "w", "weights must hold arrays of numbers. Received: weights='w'"),
    ],
)
def test_a_wrong_argument_of_estimate_of_function_is_refused_by_its_name(losses, weights, words):
    with pytest.raises(ValueError, match=words):
        ksm.rlct.estimate_of_function(losses, weights, (X, Y), verbose=0)
