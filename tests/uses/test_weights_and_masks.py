"""Weights of samples, and masks."""

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm
from tests.uses.frame import use
from tests.uses.plain_keras import array, mean_square, step_equals_plain_keras

layers = keras.layers
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def segmentation(n=6):
    rng = np.random.default_rng(0)
    inputs = keras.Input((4, 4, 3))
    hidden = layers.Conv2D(4, 3, activation="relu", padding="same", name="hidden")(inputs)
    classifier = keras.Model(inputs, layers.Conv2D(3, 1)(hidden))
    return classifier, hidden, rng.normal(size=(n, 4, 4, 3)).astype("float32"), rng.integers(0, 3, (n, 4, 4)), rng


def tagging(n=10):
    rng = np.random.default_rng(0)
    inputs = keras.Input((4, 6))
    hidden = layers.Dense(8, activation="relu", name="hidden")(inputs)
    classifier = keras.Model(inputs, layers.Dense(3)(hidden))
    return classifier, hidden, rng.normal(size=(n, 4, 6)).astype("float32"), rng.integers(0, 3, (n, 4)), rng


def words(n=10, *, pooled=False):
    """Texts of 1 to 4 words, padded; a dense layer on each word, and scores for each word or for the text."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 5, n)
    real = np.arange(4) < lengths[:, None]
    tokens = np.where(real, rng.integers(1, 20, (n, 4)), 0)
    inputs = keras.Input((4,), dtype="int32")
    embedded = layers.Embedding(20, 5, mask_zero=True, name="words")(inputs)
    hidden = layers.Dense(6, activation="tanh", name="hidden")(embedded)
    last = layers.GlobalAveragePooling1D()(hidden) if pooled else hidden
    labels = rng.integers(0, 3, n if pooled else (n, 4))
    return keras.Model(inputs, layers.Dense(3)(last)), tokens, labels, real, rng


def still(model, x, y, **fit) -> dict:
    """The logs of a step that changes nothing."""
    model.compile(keras.optimizers.SGD(0.0), CROSS_ENTROPY, run_eagerly=True)
    history = model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0, **fit).history
    return {name: values[0] for name, values in history.items()}


def errors_of_words(model, tokens) -> np.ndarray:
    outputs = model.joint_outputs(tokens)
    return (array(outputs["self_prediction"]) - array(outputs["target"])).reshape(*tokens.shape, -1)


@use("`sample_weight`, one for each sample", "a step equals that of a Keras model with two outputs")
def test_weights_of_samples():
    rng = np.random.default_rng(0)
    x, y, weights = rng.normal(size=(12, 6)).astype("float32"), rng.integers(0, 3, 12), rng.random(12)
    classifier = ksm.models.mlp(8, inputs=6, classes=3, seed=1)
    hidden = classifier.layers[0].output
    model = ksm.SelfModelingModel(classifier, "hidden", 2.0)
    step_equals_plain_keras(model, hidden, [hidden], x, y, CROSS_ENTROPY, sample_weight=weights)


@use("`sample_weight`, one for each timestep", "the same, the second output weighted by each sample's mean")
def test_weights_of_timesteps():
    classifier, hidden, x, y, rng = tagging()
    weights = rng.random((10, 4)).astype("float32")
    model = ksm.SelfModelingModel(classifier, "hidden", 2.0)
    means = {"sample_weight": weights, "auxiliary_weight": weights.mean(1)}
    step_equals_plain_keras(model, hidden, [hidden], x, y, CROSS_ENTROPY, **means)


@use("As many samples as timesteps", "the same: a weight is not taken for another sample's")
def test_weights_of_as_many_timesteps_as_samples():
    classifier, hidden, x, y, rng = tagging(4)
    weights = rng.random((4, 4)).astype("float32")
    weights[0] = 0.0
    model = ksm.SelfModelingModel(classifier, "hidden", 2.0)
    means = {"sample_weight": weights, "auxiliary_weight": weights.mean(1)}
    step_equals_plain_keras(model, hidden, [hidden], x, y, CROSS_ENTROPY, **means)


@use("`sample_weight`, one for each pixel of a segmentation", "the same, by each image's mean")
def test_weights_of_pixels():
    classifier, hidden, x, y, rng = segmentation()
    weights = rng.random((6, 4, 4)).astype("float32")
    model = ksm.SelfModelingModel(classifier, "hidden", 2.0)
    means = {"sample_weight": weights, "auxiliary_weight": weights.mean((1, 2))}
    step_equals_plain_keras(model, hidden, [hidden], x, y, CROSS_ENTROPY, **means)


@use("Weights of pixels with `per_timestep=True` and `steps_ahead=1`", "a row weighs the mean of its pixels, in NumPy")
def test_weights_of_pixels_beside_rows():
    classifier, _, x, y, rng = segmentation()
    weights = rng.random((6, 4, 4)).astype("float32")
    model = ksm.SelfModelingModel(classifier, "hidden", 2.0, per_timestep=True, steps_ahead=1)
    logs = still(model, x, y, sample_weight=weights, validation_data=(x, y, weights))
    outputs = model.joint_outputs(x)
    errors = array(outputs["self_prediction"]) - array(outputs["target"])
    wanted = mean_square(errors, weights[:, 1:].mean(2)[..., None])
    assert (logs["self_prediction_loss"], logs["val_self_prediction_loss"]) == pytest.approx((wanted,) * 2, rel=1e-5)
    evaluated = model.evaluate_self_prediction(x, sample_weight=weights)
    assert evaluated["self_prediction_loss"] == pytest.approx(wanted, rel=1e-5)


@use(
    "Two outputs with weights of timesteps, two targets, `per_timestep=True`",
    "a step of both targets weighs the mean of its two, in NumPy",
)
def test_weights_of_timesteps_of_two_outputs_and_two_targets():
    classifier, hidden, x, y, rng = tagging()
    beside = layers.Dense(5, name="beside")(classifier.inputs[0])
    both = layers.Concatenate()([hidden, beside])
    scores = [layers.Dense(3, name="a")(hidden), layers.Dense(3, name="b")(both)]
    classifier = keras.Model(classifier.inputs[0], scores)
    weights = rng.random((2, 10, 4)).astype("float32")
    weights[:, :, :2] = 0
    targets = ["hidden", "beside"]
    model = ksm.SelfModelingModel(classifier, targets, 1.0, output_layer="a", per_timestep=True, seed=1)
    outputs = model.joint_outputs(x)
    errors = array(outputs["self_prediction"]) - array(outputs["target"])
    assert errors.shape == (10, 4, 8 + 5)
    logs = still(model, x, [y, y], sample_weight=list(weights))
    assert logs["self_prediction_loss"] == pytest.approx(mean_square(errors, weights.mean(0)[..., None]), rel=1e-5)


@use("Samples of weight 0", "the auxiliary loss is the same whatever they are")
def test_samples_of_weight_zero_do_not_count():
    classifier, _, x, y, _ = tagging()
    weights = np.ones((10, 4), "float32")
    weights[:3] = 0.0
    model = ksm.SelfModelingModel(classifier, "hidden", 2.0)
    first = still(model, x, y, sample_weight=weights)
    x[:3] *= 10
    second = still(model, x, y, sample_weight=weights)
    assert first["self_prediction_loss"] == pytest.approx(second["self_prediction_loss"], rel=1e-6)


@use("`class_weight`", "the auxiliary loss is that weighted by each sample's class, in NumPy")
def test_class_weight():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 6)).astype("float32"), rng.integers(0, 3, 12)
    model = ksm.SelfModelingModel(ksm.models.mlp(8, inputs=6, classes=3, seed=1), "hidden", 2.0, seed=1)
    outputs = model.joint_outputs(x)
    errors = array(outputs["self_prediction"]) - array(outputs["target"])
    weights = np.array([0.5, 2.0, 1.0])
    logs = still(model, x, y, class_weight=dict(enumerate(weights)))
    assert logs["self_prediction_loss"] == pytest.approx(mean_square(errors, weights[y][:, None]), rel=1e-5)


@use("A masked sequence as target", "the auxiliary loss is the mean over the real words, in NumPy")
def test_padding_does_not_count():
    classifier, tokens, labels, real, _ = words()
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0, seed=1)
    logs = still(model, tokens, labels)
    assert logs["self_prediction_loss"] == pytest.approx(mean_square(errors_of_words(model, tokens)[real]), rel=1e-5)


@use("R² of a masked sequence", "1 − Σ(a − â)² / Σ(a − ā)² over the real words, in NumPy")
def test_padding_does_not_count_in_r2():
    classifier, tokens, labels, real, _ = words()
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0, seed=1)
    logs = still(model, tokens, labels)
    outputs = model.joint_outputs(tokens)
    target = np.ma.array(array(outputs["target"]), mask=np.repeat(~real, 6, axis=1))
    total = np.sum((target - target.mean(axis=0)) ** 2)
    wanted = 1 - np.sum(errors_of_words(model, tokens)[real] ** 2) / total
    assert logs["self_prediction_r2"] == pytest.approx(wanted, abs=1e-4)


@use("A masked sequence with weights of samples", "Σ weights · squares over the number of real words")
def test_masks_and_weights_of_samples():
    classifier, tokens, labels, real, rng = words(pooled=True)
    weights = rng.random(10).astype("float32")
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0, seed=1)
    logs = still(model, tokens, labels, sample_weight=weights)
    each = np.repeat(weights[:, None], 4, axis=1)[real][:, None]
    wanted = mean_square(errors_of_words(model, tokens)[real], each)
    assert logs["self_prediction_loss"] == pytest.approx(wanted, rel=1e-5)


@use("A masked sequence with weights of timesteps", "a sample weighs the mean over its real words")
def test_masks_and_weights_of_timesteps():
    classifier, tokens, labels, real, rng = words()
    weights = rng.random((10, 4)).astype("float32")
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0, seed=1)
    logs = still(model, tokens, labels, sample_weight=weights)
    mean = (weights * real).sum(1) / real.sum(1)
    each = np.repeat(mean[:, None], 4, axis=1)[real][:, None]
    wanted = mean_square(errors_of_words(model, tokens)[real], each)
    assert logs["self_prediction_loss"] == pytest.approx(wanted, rel=1e-5)


@use("A masked text with one label", "`task_loss` equals the plain model's, the auxiliary loss that of real words")
def test_a_mask_that_ends_before_the_scores():
    classifier, tokens, labels, real, _ = words(pooled=True)
    classifier.compile(loss=CROSS_ENTROPY, run_eagerly=True)
    plain = classifier.evaluate(tokens, labels, verbose=0)
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0, seed=1)
    logs = still(model, tokens, labels)
    assert logs["task_loss"] == pytest.approx(plain, rel=1e-5)
    assert logs["self_prediction_loss"] == pytest.approx(mean_square(errors_of_words(model, tokens)[real]), rel=1e-5)


@use("The task's loss of a masked sequence", "`task_loss` and `val_loss` equal the plain model's `evaluate`")
def test_the_task_is_masked_as_in_keras():
    classifier, tokens, labels, _, _ = words()
    classifier.compile(loss=CROSS_ENTROPY, run_eagerly=True)
    plain = classifier.evaluate(tokens, labels, batch_size=10, verbose=0)
    logs = still(ksm.SelfModelingModel(classifier, "words"), tokens, labels, validation_data=(tokens, labels))
    assert (logs["task_loss"], logs["val_loss"]) == pytest.approx((plain, plain), rel=1e-5)


@use("A mask through a GRU", "the auxiliary loss is the mean over the real steps, in NumPy")
def test_a_mask_through_a_recurrent_layer():
    _, tokens, labels, real, _ = words()
    inputs = keras.Input((4,), dtype="int32")
    states = layers.GRU(3, return_sequences=True, name="states")(layers.Embedding(20, 5, mask_zero=True)(inputs))
    classifier = keras.Model(inputs, layers.Dense(3)(states))
    model = ksm.SelfModelingModel(classifier, "states", 1.0, seed=1)
    logs = still(model, tokens, labels)
    assert logs["self_prediction_loss"] == pytest.approx(mean_square(errors_of_words(model, tokens)[real]), rel=1e-5)


@use("A mask of steps that are images", "the auxiliary loss is the mean over the real images, in NumPy")
def test_masked_images():
    _, tokens, _, real, rng = words()
    inputs = keras.Input((4,), dtype="int32")
    images = layers.TimeDistributed(layers.Reshape((2, 2, 3)))(layers.Embedding(20, 12, mask_zero=True)(inputs))
    hidden = layers.TimeDistributed(layers.Conv2D(2, 2, activation="relu"), name="hidden")(images)
    classifier = keras.Model(inputs, layers.Dense(3)(layers.TimeDistributed(layers.Flatten())(hidden)))
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0, seed=1)
    logs = still(model, tokens, rng.integers(0, 3, (10, 4)))
    assert logs["self_prediction_loss"] == pytest.approx(mean_square(errors_of_words(model, tokens)[real]), rel=1e-5)


@use("`Masking` of two axes, steps and places", "the auxiliary loss is the mean over what is not masked, in NumPy")
def test_a_mask_of_two_axes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10, 4, 3, 2)) * (real := rng.random((10, 4, 3)) < 0.6)[..., None]
    inputs = keras.Input((4, 3, 2))
    hidden = layers.Dense(5, activation="tanh", name="hidden")(layers.Masking()(inputs))
    model = ksm.SelfModelingModel(keras.Model(inputs, layers.Dense(3)(hidden)), "hidden", 1.0, seed=1)
    logs = still(model, x, rng.integers(0, 3, (10, 4, 3)))
    outputs = model.joint_outputs(x)
    errors = (array(outputs["self_prediction"]) - array(outputs["target"])).reshape(10, 4, 3, 5)
    assert logs["self_prediction_loss"] == pytest.approx(mean_square(errors[real]), rel=1e-5)


@use("Two masked outputs, each with weights of timesteps", "a sample weighs the mean over both outputs' real words")
def test_two_masked_outputs():
    classifier, tokens, labels, real, rng = words()
    hidden = classifier.get_layer("hidden").output
    classifier = keras.Model(classifier.inputs[0], [classifier.outputs[0], layers.Dense(3, name="other")(hidden)])
    model = ksm.SelfModelingModel(classifier, "hidden", 1.0, features="hidden", output_layer="other", seed=1)
    weights = rng.random((2, 10, 4)).astype("float32")
    logs = still(model, tokens, [labels, labels], sample_weight=list(weights))
    mean = ((weights * real).sum(2) / real.sum(1)).mean(0)
    each = np.repeat(mean[:, None], 4, axis=1)[real][:, None]
    wanted = mean_square(errors_of_words(model, tokens)[real], each)
    assert logs["self_prediction_loss"] == pytest.approx(wanted, rel=1e-5)


@use("Activation regularization of a masked sequence", "the mean square over the real words, in NumPy")
def test_regularization_of_a_masked_sequence():
    classifier, tokens, labels, real, _ = words()
    model = ksm.models.ActivationRegularizationModel(classifier, "hidden", 0.1)
    logs = still(model, tokens, labels)
    activations = keras.Model(classifier.input, classifier.get_layer("hidden").output).predict(tokens, verbose=0)
    assert logs["regularization_loss"] == pytest.approx(mean_square(activations[real]), rel=1e-5)


@use("Activation regularization with weights of timesteps", "the mean square by each sample's mean, in NumPy")
def test_regularization_with_weights_of_timesteps():
    classifier, _, x, y, rng = tagging()
    weights = rng.random((10, 4)).astype("float32")
    logs = still(ksm.models.ActivationRegularizationModel(classifier, "hidden", 0.1), x, y, sample_weight=weights)
    activations = keras.Model(classifier.input, classifier.get_layer("hidden").output).predict(x, verbose=0)
    wanted = mean_square(activations, weights.mean(1)[:, None, None])
    assert logs["regularization_loss"] == pytest.approx(wanted, rel=1e-5)


@use("Weight decay with weights of pixels", "½ Σ w², whatever the samples weigh")
def test_weight_decay_with_weights_of_pixels():
    classifier, _, x, y, rng = segmentation()
    logs = still(ksm.models.WeightDecayModel(classifier, 0.1), x, y, sample_weight=rng.random((6, 4, 4)))
    wanted = 0.5 * sum(np.sum(np.square(w, dtype=np.float64)) for w in classifier.get_weights())
    assert logs["regularization_loss"] == pytest.approx(wanted, rel=1e-5)


@use("`ignore_class=-1`", "a step equals that of a Keras model with two outputs")
def test_ignored_labels():
    classifier, hidden, x, y, _ = tagging()
    y[:, 0] = -1
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    step_equals_plain_keras(ksm.SelfModelingModel(classifier, "hidden", 2.0), hidden, [hidden], x, y, loss)


@use("`ignore_class=255` in a segmentation", "a step equals that of a Keras model with two outputs")
def test_ignored_pixels():
    classifier, hidden, x, y, _ = segmentation()
    y[:, 0] = 255
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    step_equals_plain_keras(ksm.SelfModelingModel(classifier, "hidden", 2.0), hidden, [hidden], x, y, loss)
