"""Tasks and data."""

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm
from tests.uses.frame import use
from tests.uses.plain_keras import array, mean_square, step_equals_plain_keras

losses = keras.losses


def network(units: int, activation=None):
    """A functional network of one hidden layer, and what its head reads and predicts."""
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(units, activation)(hidden)), hidden


def inputs(samples: int = 12):
    return np.random.default_rng(0).normal(size=(samples, 6)).astype("float32")


def labels(samples: int = 12):
    return np.random.default_rng(1).integers(0, 3, samples)


def compared(units: int, loss, y, activation=None, **kwargs) -> None:
    classifier, hidden = network(units, activation)
    model = ksm.SelfModelingModel(classifier, "hidden", 2.0)
    step_equals_plain_keras(model, hidden, [hidden], inputs(), y, loss, **kwargs)


@use("Regression by mean squared error", "a step equals that of a Keras model with two outputs")
def test_regression():
    compared(2, losses.MeanSquaredError(), np.random.default_rng(1).normal(size=(12, 2)))


@use("Regression by Huber's loss with weights", "a step equals that of a Keras model with two outputs")
def test_robust_regression():
    rng = np.random.default_rng(1)
    compared(1, losses.Huber(), rng.normal(size=(12, 1)), sample_weight=rng.random(12))


@use("Multi-label classification", "a step equals that of a Keras model with two outputs")
def test_multi_label():
    compared(5, losses.BinaryCrossentropy(from_logits=True), np.random.default_rng(1).integers(0, 2, (12, 5)))


@use("One sigmoid unit", "a step equals that of a Keras model with two outputs")
def test_binary():
    compared(1, losses.BinaryCrossentropy(), np.random.default_rng(1).integers(0, 2, (12, 1)), "sigmoid")


@use("One-hot labels, smoothed", "a step equals that of a Keras model with two outputs")
def test_one_hot():
    compared(3, losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), np.eye(3)[labels()])


@use("Counts by a Poisson loss", "a step equals that of a Keras model with two outputs")
def test_counts():
    compared(1, losses.Poisson(), np.random.default_rng(1).poisson(3, (12, 1)), "softplus")


@use("A loss given as a function", "a step equals that of a Keras model with two outputs")
def test_a_loss_that_is_a_function():
    compared(2, lambda y, p: keras.ops.mean(keras.ops.abs(y - p), axis=-1), np.ones((12, 2), "float32"))


@use("`SparseCategoricalCrossentropy(axis=1)`", "`task_loss` equals the plain model's `evaluate`", backends=["torch"])
def test_classes_along_the_first_axis():
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")
    layers = [keras.Input((6,)), hidden, keras.layers.Dense(6), keras.layers.Reshape((3, 2))]
    classifier, y = keras.Sequential(layers), np.stack([labels(), labels()[::-1]], axis=1)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, axis=1)
    classifier.compile(loss=loss, run_eagerly=True)
    model = ksm.SelfModelingModel(classifier, "hidden")
    model.compile(keras.optimizers.SGD(0.0), loss, run_eagerly=True)
    logs = model.train_on_batch(inputs(), y, return_dict=True)
    assert logs["task_loss"] == pytest.approx(classifier.evaluate(inputs(), y, verbose=0), rel=1e-5)


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")  # for the final layer
@use("No task at all: `compile` without a loss", "`loss` is AW · auxiliary loss, and falls")
def test_self_prediction_alone():
    model = ksm.SelfModelingModel(network(3)[0], "hidden", 2.0)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    losses_of = model.fit(inputs(), batch_size=12, epochs=3, verbose=0).history
    np.testing.assert_allclose(losses_of["loss"], 2 * np.array(losses_of["self_prediction_loss"]), rtol=1e-6)
    assert losses_of["loss"][2] < losses_of["loss"][0]


@use("Labels out of range in an array", "an error before training that names the range")
def test_wrong_labels_in_an_array():
    model = compiled()
    for wrong in (3, -1):
        with pytest.raises(ValueError, match=f"0 … 2.*labels from {min(wrong, 0)} to {max(wrong, 2)}"):
            model.fit(inputs(), np.where(np.arange(12) == 5, wrong, np.arange(12) % 3), verbose=0)


@use("Labels out of range in validation data", "an error before training")
def test_wrong_labels_in_validation_data():
    before = (model := compiled()).get_weights()
    with pytest.raises(ValueError, match="labels from 0 to 7"):
        model.fit(inputs(), labels(), validation_data=(inputs(), np.arange(12) % 8), verbose=0)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


@use("Labels out of range in a loader", "an error, at the end of the epoch at the latest")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.on_cpu
def test_wrong_labels_in_a_loader():
    model = compiled()
    with pytest.raises(Exception, match="labels from 0 to 3|outside the valid range|out of bounds|out of range"):
        model.fit(Batches(np.arange(12) % 4), epochs=1, verbose=0)


@use("One-hot labels from a loader, where the loss takes numbers", "an error that says so, in `fit` and `evaluate`")
def test_one_hot_labels_in_a_loader():
    model = compiled(run_eagerly=True)
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="one-hot.*argmax"):
            method(Batches(np.eye(3)[labels()]), verbose=0)


@use("Labels and losses by name, outputs in a list", "`loss` and the loss of each output equal the plain model's")
def test_labels_by_name():
    classifier = network(3)[0]
    both = [classifier.outputs[0], keras.layers.Dense(1, name="other")(classifier.layers[-1].input)]
    classifier = keras.Model(classifier.inputs[0], both)
    names = classifier.output_names
    y = dict(zip(names, [labels(), inputs()[:, 0]], strict=True))
    loss = dict(zip(names, [losses.SparseCategoricalCrossentropy(from_logits=True), "mse"], strict=True))
    model = ksm.SelfModelingModel(classifier, "hidden", 0.0, output_layer="other")
    logs = []
    for one in (classifier, model):
        one.compile(keras.optimizers.SGD(0.0), loss, run_eagerly=True)
        logs.append(one.fit(inputs(), y, verbose=0).history)
    plain, ours = logs
    for name, values in plain.items():
        assert ours[name] == pytest.approx(values, rel=1e-5)


class Batches(keras.utils.PyDataset):
    def __init__(self, y):
        super().__init__()
        self.y = y

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int):
        part = slice(4 * index, 4 * index + 4)
        return inputs()[part], self.y[part]


def compiled(**kwargs):
    model = ksm.SelfModelingModel(network(3)[0], "hidden", 2.0, seed=1)
    model.compile(keras.optimizers.SGD(0.1), losses.SparseCategoricalCrossentropy(from_logits=True), **kwargs)
    return model


def assert_evaluates(x, **kwargs) -> None:
    """The numbers of `evaluate_self_prediction` are NumPy's, for the twelve samples."""
    model = compiled()
    outputs = model.joint_outputs(inputs())
    target, error = array(outputs["target"]), array(outputs["self_prediction"]) - array(outputs["target"])
    found = model.evaluate_self_prediction(x, **kwargs)
    assert found["self_prediction_loss"] == pytest.approx(mean_square(error), rel=1e-5)
    r2 = 1 - np.sum(error**2) / np.sum((target - target.mean(axis=0)) ** 2)
    assert found["self_prediction_r2"] == pytest.approx(r2, abs=1e-4)


@use("`evaluate_self_prediction` of an array", "mean square and R² in NumPy")
def test_evaluation_of_an_array():
    assert_evaluates(inputs(), batch_size=5)


@use("`evaluate_self_prediction` with weights of samples", "the mean of weights · squares, in NumPy")
def test_evaluation_with_weights():
    model, weights = compiled(), np.random.default_rng(2).random(12)
    outputs = model.joint_outputs(inputs())
    wanted = mean_square(array(outputs["self_prediction"]) - array(outputs["target"]), weights[:, None])
    found = model.evaluate_self_prediction(inputs(), sample_weight=weights)
    assert found["self_prediction_loss"] == pytest.approx(wanted, rel=1e-5)


@use("`evaluate_self_prediction` of a `PyDataset`", "mean square and R² in NumPy")
def test_evaluation_of_a_pydataset():
    assert_evaluates(Batches(labels()))


@use("`evaluate_self_prediction` of a generator", "mean square and R² in NumPy")
def test_evaluation_of_a_generator():
    batches = Batches(labels())
    assert_evaluates((batches[index] for index in range(3)), steps=3)


@use("`evaluate_self_prediction` of a `tf.data.Dataset`", "mean square and R² in NumPy")
def test_evaluation_of_a_tf_dataset():
    tf = pytest.importorskip("tensorflow")
    assert_evaluates(tf.data.Dataset.from_tensor_slices((inputs(), labels())).batch(4))


@use("`evaluate_self_prediction` of a `DataLoader`", "mean square and R² in NumPy")
def test_evaluation_of_a_data_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(inputs()), torch.tensor(labels()))
    assert_evaluates(torch.utils.data.DataLoader(data, batch_size=4))


@use("Training from a `DataLoader` with weights", "the weights of `fit` on the arrays")
def test_training_from_a_data_loader():
    torch = pytest.importorskip("torch")
    weights = np.random.default_rng(2).random(12).astype("float32")
    data = torch.utils.data.TensorDataset(*map(torch.tensor, (inputs(), labels(), weights)))
    by_loader, by_arrays = compiled(run_eagerly=True), compiled(run_eagerly=True)
    by_arrays.set_weights(by_loader.get_weights())
    by_loader.fit(torch.utils.data.DataLoader(data, batch_size=4), shuffle=False, verbose=0)
    by_arrays.fit(inputs(), labels(), sample_weight=weights, batch_size=4, shuffle=False, verbose=0)
    for ours, theirs in zip(by_loader.get_weights(), by_arrays.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
