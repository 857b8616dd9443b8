"""Loss and gradients against a NumPy implementation of the widened network."""

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm
from tests.models.numpy_reference import WidenedNetwork


def widened(model: ksm.SelfModelingModel) -> WidenedNetwork:
    w, b, v, c = model.classifier.get_weights()
    head_kernel, head_bias = model.head.get_weights()
    return WidenedNetwork(w, b, np.hstack([v, head_kernel]), np.hstack([c, head_bias]), classes=v.shape[1])


def weights_as_widened(model) -> list[np.ndarray]:
    w, b, v, c = model.classifier.get_weights()
    head_kernel, head_bias = model.head.get_weights()
    return [w, b, np.hstack([v, head_kernel]), np.hstack([c, head_bias])]


@pytest.mark.parametrize("stop_gradient", [True, False])
@pytest.mark.parametrize("normalization", [None, "unit_rms"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_equals_numpy(classifier, data, cross_entropy, stop_gradient, normalization, weighted):
    x, y = data
    model = ksm.SelfModelingModel(
        classifier, "hidden", 3.0, stop_gradient=stop_gradient, target_normalization=normalization, seed=5
    )
    sample_weight = np.random.default_rng(1).uniform(0.2, 2.0, len(y)).astype("float32") if weighted else None
    reference = widened(model)
    before = weights_as_widened(model)
    # One step of plain SGD at rate 1 subtracts the gradient.
    model.compile(keras.optimizers.SGD(1.0), loss=cross_entropy)
    logs = model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)
    task_loss, self_loss, gradients = reference.losses_and_gradients(
        x, y, 3.0, stop_gradient=stop_gradient, unit_rms=normalization is not None, sample_weight=sample_weight
    )
    # float32 weights of size 0.4 resolve differences to 3e-8; sums over 48 samples lose a digit more.
    for old, new, gradient in zip(before, weights_as_widened(model), gradients, strict=True):
        np.testing.assert_allclose(old - new, gradient, atol=1e-6)
    np.testing.assert_allclose(logs["task_loss"], task_loss, rtol=1e-6)
    np.testing.assert_allclose(logs["self_prediction_loss"], self_loss, rtol=2e-6)
    np.testing.assert_allclose(logs["loss"], task_loss + 3.0 * self_loss, rtol=2e-6)


def test_training_equals_numpy_on_every_backend(classifier, data, cross_entropy):
    x, y = data
    model = ksm.SelfModelingModel(classifier, "hidden", 10.0, seed=5)
    reference = widened(model)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), loss=cross_entropy)
    model.fit(x, y, batch_size=20, epochs=10, shuffle=False, verbose=0)
    for _ in range(10):
        for start in (0, 20, 40):  # the last batch has 8 samples
            reference.step(x[start : start + 20], y[start : start + 20], 10.0, 0.05, momentum=0.9)
    for trained, wanted in zip(weights_as_widened(model), reference.weights, strict=True):
        np.testing.assert_allclose(trained, wanted, atol=1e-4)


def test_class_weight_reaches_both_losses(classifier, data, cross_entropy):
    x, y = data
    model = ksm.SelfModelingModel(classifier, "hidden", 2.0, seed=5)
    reference = widened(model)
    before = weights_as_widened(model)
    model.compile(keras.optimizers.SGD(1.0), loss=cross_entropy)
    class_weight = {0: 0.5, 1: 2.0, 2: 1.0}
    model.fit(x, y, batch_size=len(y), epochs=1, class_weight=class_weight, shuffle=False, verbose=0)
    _, _, gradients = reference.losses_and_gradients(x, y, 2.0, sample_weight=[class_weight[label] for label in y])
    for old, new, gradient in zip(before, weights_as_widened(model), gradients, strict=True):
        np.testing.assert_allclose(old - new, gradient, atol=1e-6)


def test_gradient_accumulation_equals_one_large_batch(data, cross_entropy):
    x, y = data
    weights = []
    for batch_size, steps in [(12, 4), (48, None)]:
        classifier = ksm.models.mlp(8, inputs=6, classes=3, seed=7)
        model = ksm.SelfModelingModel(classifier, "hidden", 3.0, seed=5)
        model.compile(keras.optimizers.SGD(0.5, gradient_accumulation_steps=steps), loss=cross_entropy)
        model.fit(x, y, batch_size=batch_size, epochs=1, shuffle=False, verbose=0)
        weights.append(weights_as_widened(model))
    for accumulated, whole in zip(*weights, strict=True):
        np.testing.assert_allclose(accumulated, whole, atol=1e-6)


@pytest.mark.on_cpu
def test_weight_zero_trains_the_plain_classifier_bit_for_bit(data, cross_entropy):
    x, y = data

    def compiled(model):
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), loss=cross_entropy)
        model.fit(x, y, batch_size=16, epochs=5, shuffle=False, verbose=0)
        return model

    plain = compiled(ksm.models.mlp(8, inputs=6, classes=3, seed=7))
    model = compiled(ksm.SelfModelingModel(ksm.models.mlp(8, inputs=6, classes=3, seed=7), "hidden", 0.0))
    for ours, theirs in zip(model.classifier.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_several_targets_are_predicted_together(data, cross_entropy):
    x, y = data
    inputs = keras.Input((6,))
    first = keras.layers.Dense(5, activation="tanh", name="first")(inputs)
    second = keras.layers.Dense(4, activation="relu", name="second")(first)
    classifier = keras.Model(inputs, keras.layers.Dense(3, name="logits")(second))
    model = ksm.SelfModelingModel(classifier, ["first", "second"], 1.0)
    outputs = model.evaluate_self_prediction(x)
    w1, b1, w2, b2, _, _ = classifier.get_weights()
    first_value = np.tanh(x @ w1 + b1)
    second_value = np.maximum(first_value @ w2 + b2, 0)
    head_kernel, head_bias = model.head.get_weights()
    target = np.hstack([first_value, second_value])
    error = second_value @ head_kernel + head_bias - target
    np.testing.assert_allclose(outputs["self_prediction_loss"], np.mean(error**2), rtol=1e-5)
    r2 = 1 - np.sum(error**2) / np.sum((target - target.mean(axis=0)) ** 2)
    np.testing.assert_allclose(outputs["self_prediction_r2"], r2, rtol=1e-4)


def test_convolutional_target_is_flattened_per_sample():
    rng = np.random.default_rng(3)
    images = rng.normal(size=(10, 6, 6, 1)).astype("float32")
    classifier = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(2, 3, activation="relu", name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, name="logits"),
        ]
    )
    model = ksm.SelfModelingModel(classifier, "conv")
    assert model.head.units == 4 * 4 * 2
    kernel, bias = classifier.layers[0].get_weights()
    patches = np.lib.stride_tricks.sliding_window_view(images[..., 0], (3, 3), axis=(1, 2))
    activation = np.maximum(np.einsum("nijkl,klf->nijf", patches, kernel[:, :, 0]) + bias, 0)
    head_kernel, head_bias = model.head.get_weights()
    error = activation.mean(axis=(1, 2)) @ head_kernel + head_bias - activation.reshape(10, -1)
    loss = model.evaluate_self_prediction(images)["self_prediction_loss"]
    np.testing.assert_allclose(loss, np.mean(error**2), rtol=1e-5)


def summed(*names: str) -> keras.Model:
    """The outputs of two dense layers, each made in a model of one of these names, added."""

    def dense(seed: int, units: int, name: str) -> keras.layers.Dense:
        return keras.layers.Dense(units, name=name, kernel_initializer=keras.initializers.GlorotUniform(seed))

    inputs = keras.Input((6,))
    parts = [keras.Sequential([keras.Input((6,)), dense(i, 4, "dense")], name=name) for i, name in enumerate(names)]
    joined = keras.layers.Add()([parts[0](inputs), parts[1].layers[0](inputs)])
    return keras.Model(inputs, dense(9, 3, "scores")(joined))


def stacked() -> keras.Model:
    """A classifier with two parts whose layers have the same name."""
    inputs = keras.Input((6,))
    parts = [keras.Sequential([keras.Input((6,)), keras.layers.Dense(6, "tanh", name="h")], name=name) for name in "ab"]
    hidden = parts[1](parts[0](keras.layers.Dense(6)(inputs)))
    return keras.Model(inputs, keras.layers.Dense(3)(hidden))


def fitted(model: keras.Model, x, y, loss) -> None:
    model.compile(keras.optimizers.SGD(0.1), loss=loss)
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)


def fitted_inside(model: keras.Model, x, y, loss) -> None:
    inputs = keras.Input(x.shape[1:])
    fitted(keras.Model(inputs, model(inputs)), x, y, loss)


@pytest.mark.parametrize("train", [fitted, fitted_inside])
def test_weights_of_one_path_are_trained_as_others_are(tmp_path, data, cross_entropy, train):
    """Keras on PyTorch keeps weights by their paths, which those of nested models lose when they are loaded."""
    made = stacked()
    made.save(tmp_path / "made.keras")
    loaded = keras.models.load_model(tmp_path / "made.keras")
    paths = [weight.path for weight in loaded.trainable_weights]
    assert len(set(paths)) < len(paths)
    for classifier in (made, loaded):
        train(ksm.SelfModelingModel(classifier, "a/h", 1.0, seed=1), *data, cross_entropy)
    for ours, wanted in zip(loaded.get_weights(), made.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, wanted)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="of PyTorch alone")
def test_a_loop_of_pytorch_finds_weights_of_one_path(tmp_path):
    stacked().save(tmp_path / "made.keras")
    model = ksm.SelfModelingModel(keras.models.load_model(tmp_path / "made.keras"), "a/h", 1.0, seed=1)
    assert {id(one) for one in model.parameters() if one.requires_grad} == {
        id(one.value) for one in model.trainable_variables
    }
