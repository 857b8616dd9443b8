"""The objectives that self-modeling is compared with: losses and gradients against NumPy."""

import keras
import numpy as np
import pytest

from keras_selfmodel.layers import BiasOnlyHead, DeepSelfPredictionHead, MeanAndRange, RandomSubset, Signs
from keras_selfmodel.models import (
    ActivationRegularizationModel,
    DropoutModel,
    PenalizedModel,
    SelfModelingModel,
    WeightDecayModel,
    mlp,
)
from tests.models.numpy_reference import WidenedNetwork, classifier_gradients


def one_step(model, x, y, loss, sample_weight=None) -> tuple[dict, list[np.ndarray]]:
    """The logs of a step, and the gradient of the classifier's weights: plain SGD at rate 1 subtracts it."""
    before = model.classifier.get_weights()
    model.compile(keras.optimizers.SGD(1.0), loss=loss)
    logs = model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)
    return logs, [old - new for old, new in zip(before, model.classifier.get_weights(), strict=True)]


def assert_close(gradients, wanted) -> None:
    # float32 weights of size 0.4 resolve differences to 3e-8; sums over 48 samples lose a digit more.
    for gradient, reference in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(gradient, reference, atol=1e-6)


def frozen(hidden: int = 5) -> keras.Model:
    """The activations of another network, flattened from two axes."""
    network = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(2 * hidden, activation="tanh"), keras.layers.Reshape((2, hidden))],
        name="frozen",
    )
    network.trainable = False
    return network


@pytest.mark.parametrize("layers", [None, "logits"])
def test_gradient_of_weight_decay_equals_numpy(classifier, data, cross_entropy, layers):
    x, y = data
    weights = classifier.get_weights()
    logs, gradients = one_step(WeightDecayModel(classifier, 0.3, layers=layers), x, y, cross_entropy)
    task_loss, wanted = classifier_gradients(weights, x, y)
    decaying = [layers is None, layers is None, True, True]
    squares = sum(np.sum(np.square(w, dtype=np.float64)) for w, use in zip(weights, decaying, strict=True) if use)
    assert_close(gradients, [g + 0.3 * w * use for g, w, use in zip(wanted, weights, decaying, strict=True)])
    assert logs["task_loss"] == pytest.approx(task_loss, rel=1e-6)
    assert logs["regularization_loss"] == pytest.approx(0.5 * squares, rel=1e-6)
    assert logs["loss"] == pytest.approx(task_loss + 0.15 * squares, rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_of_activation_regularization_equals_numpy(classifier, data, cross_entropy, weighted):
    x, y = data
    each = np.random.default_rng(1).uniform(0.2, 2.0, len(y)).astype("float32") if weighted else np.ones(len(y))
    weights = classifier.get_weights()
    model = ActivationRegularizationModel(classifier, "hidden", 3.0)
    logs, gradients = one_step(model, x, y, cross_entropy, sample_weight=each if weighted else None)
    task_loss, wanted = classifier_gradients(
        weights, x, y, sample_weight=each, d_hidden=lambda hidden: 3.0 * 2.0 * each[:, None] * hidden / hidden.size
    )
    assert_close(gradients, wanted)
    hidden = np.maximum(x @ weights[0] + weights[1], 0)
    assert logs["regularization_loss"] == pytest.approx(np.mean(each[:, None] * hidden**2), rel=1e-5)
    assert logs["task_loss"] == pytest.approx(task_loss, rel=1e-6)


def test_gradient_of_dropout_equals_numpy_with_the_same_mask(data, cross_entropy):
    x, y = data
    # Of a network whose scores are the features themselves, the first mask of this seed can be read off.
    shows = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8, kernel_initializer="identity")])
    ones = np.ones((len(x), 8), "float32")
    mask = keras.ops.convert_to_numpy(DropoutModel(shows, 0.25, seed=3).joint_outputs(ones, training=True)["scores"])
    # 384 features, each dropped with probability ¼: four standard deviations are 0.09.
    assert set(np.round(np.unique(mask), 6)) == {0.0, np.float32(1.333333)} and abs(np.mean(mask == 0) - 0.25) < 0.09

    classifier = mlp(8, inputs=6, classes=3, seed=7)
    weights = classifier.get_weights()
    logs, gradients = one_step(DropoutModel(classifier, 0.25, seed=3), x, y, cross_entropy)
    loss, wanted = classifier_gradients(weights, x, y, mask=mask.astype(np.float64))
    assert_close(gradients, wanted)
    assert logs["loss"] == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("part", ["subset", "signs", "mean and range"])
def test_gradient_of_smaller_self_models_equals_numpy(classifier, data, cross_entropy, part):
    x, y = data
    chosen = np.sort(np.random.default_rng(4).choice(8, 2, replace=False))
    transformation, target = {
        "subset": (RandomSubset(0.25, seed=4), lambda hidden: hidden[:, chosen]),
        "signs": (Signs(), lambda hidden: (hidden > 0).astype(float)),
        "mean and range": (
            MeanAndRange(),
            lambda hidden: np.stack([hidden.mean(axis=1), hidden.max(axis=1) - hidden.min(axis=1)], axis=1),
        ),
    }[part]
    model = SelfModelingModel(classifier, "hidden", 3.0, target_transformation=transformation, seed=5)
    assert model.num_targets == (8 if part == "signs" else 2)
    _assert_predicts(model, target, x, y, cross_entropy)


def test_gradient_of_predicting_a_frozen_network_equals_numpy(classifier, data, cross_entropy):
    x, y = data
    other = frozen()
    kernel, bias = other.get_weights()
    model = SelfModelingModel(classifier, other, 3.0, seed=5)
    _assert_predicts(model, lambda hidden: np.tanh(x @ kernel + bias), x, y, cross_entropy)
    for mine, before in zip(other.get_weights(), (kernel, bias), strict=True):
        np.testing.assert_array_equal(mine, before)


def _assert_predicts(model, target, x, y, loss) -> None:
    w, b, v, c = model.classifier.get_weights()
    head_kernel, head_bias = model.head.get_weights()
    reference = WidenedNetwork(w, b, np.hstack([v, head_kernel]), np.hstack([c, head_bias]), classes=3)
    task_loss, self_loss, wanted = reference.losses_and_gradients(x, y, 3.0, target=target)
    logs, (d_w, d_b, d_v, d_c) = one_step(model, x, y, loss)
    new_kernel, new_bias = model.head.get_weights()
    assert_close([d_w, d_b, np.hstack([d_v, head_kernel - new_kernel]), np.hstack([d_c, head_bias - new_bias])], wanted)
    assert logs["task_loss"] == pytest.approx(task_loss, rel=1e-6)
    assert logs["self_prediction_loss"] == pytest.approx(self_loss, rel=2e-6)


def test_gradient_of_a_deep_head_equals_numpy(classifier, data, cross_entropy):
    x, y = data
    weights = classifier.get_weights()
    model = SelfModelingModel(classifier, "hidden", 3.0, head=lambda units: DeepSelfPredictionHead(units, 4, seed=5))
    (w1, b1), (w2, b2) = model.head.hidden.get_weights(), model.head.linear.get_weights()

    def through_the_head(hidden):
        before = hidden @ w1 + b1
        error = np.maximum(before, 0) @ w2 + b2 - hidden
        losses.append(np.mean(error**2))
        return ((3.0 * 2.0 * error / error.size) @ w2.T * (before > 0)) @ w1.T

    losses = []
    logs, gradients = one_step(model, x, y, cross_entropy)
    _, wanted = classifier_gradients(weights, x, y, d_hidden=through_the_head)
    assert_close(gradients, wanted)
    assert logs["self_prediction_loss"] == pytest.approx(losses[0], rel=2e-6)


def test_gradient_of_a_head_that_guesses_a_fixed_vector_equals_numpy(classifier, data, cross_entropy):
    x, y = data
    weights = classifier.get_weights()
    model = SelfModelingModel(classifier, "hidden", 3.0, head=BiasOnlyHead, stop_gradient=False)
    guess = np.linspace(-1, 1, 8)
    model.head.set_weights([guess])
    hidden = np.maximum(x @ weights[0] + weights[1], 0)
    error = guess - hidden
    logs, gradients = one_step(model, x, y, cross_entropy)
    _, wanted = classifier_gradients(weights, x, y, d_hidden=lambda _: -3.0 * 2.0 * error / error.size)
    assert_close(gradients, wanted)
    assert_close([guess - model.head.get_weights()[0]], [3.0 * 2.0 * error.sum(axis=0) / error.size])
    assert logs["self_prediction_loss"] == pytest.approx(np.mean(error**2), rel=2e-6)


@pytest.mark.parametrize("kind", ["weight decay", "activation regularization", "dropout"])
def test_strength_zero_trains_the_plain_classifier_bit_for_bit(data, cross_entropy, kind):
    x, y = data
    wrap = {
        "weight decay": lambda classifier: WeightDecayModel(classifier, 0.0),
        "activation regularization": lambda classifier: ActivationRegularizationModel(classifier, "hidden", 0.0),
        "dropout": lambda classifier: DropoutModel(classifier, 0.0),
    }[kind]

    def trained(model):
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=cross_entropy)
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        return getattr(model, "classifier", model).get_weights()

    plain = mlp(8, inputs=6, classes=3, seed=7)
    for ours, theirs in zip(trained(wrap(mlp(8, inputs=6, classes=3, seed=7))), trained(plain), strict=True):
        np.testing.assert_array_equal(ours, theirs)


MODELS = {
    "weight decay": lambda classifier: WeightDecayModel(classifier, 0.1, layers="logits"),
    "activation regularization": lambda classifier: ActivationRegularizationModel(classifier, "hidden", 0.1),
    "dropout": lambda classifier: DropoutModel(classifier, 0.5, seed=1),
    "frozen network": lambda classifier: SelfModelingModel(classifier, frozen(), 2.0),
    "subset": lambda classifier: SelfModelingModel(classifier, "hidden", target_transformation=RandomSubset(0.5)),
    "deep head": lambda classifier: SelfModelingModel(classifier, "hidden", head=DeepSelfPredictionHead),
}


@pytest.mark.parametrize("kind", MODELS)
def test_saved_and_loaded_models_train_on_as_if_never_saved(classifier, data, cross_entropy, tmp_path, kind):
    x, y = data
    model = MODELS[kind](classifier)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=cross_entropy)
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.train_on_batch(x, y) == model.train_on_batch(x, y)
    for mine, its in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_a_self_model_saved_before_there_were_transformations_can_be_loaded(classifier):
    config = SelfModelingModel(classifier, "hidden", 2.0).get_config()
    del config["target_transformation"]
    assert SelfModelingModel.from_config(config).target_transformation is None


@pytest.mark.parametrize("kind", ["weight decay", "dropout", "frozen network"])
def test_everything_but_training_is_the_plain_classifier(classifier, data, cross_entropy, kind):
    x, y = data
    model = MODELS[kind](classifier)
    model.compile("sgd", loss=cross_entropy, metrics=["accuracy"])
    classifier.compile("sgd", loss=cross_entropy, metrics=["accuracy"])
    np.testing.assert_array_equal(model.predict(x, verbose=0), classifier.predict(x, verbose=0))
    assert model.evaluate(x, y, verbose=0, return_dict=True) == classifier.evaluate(x, y, verbose=0, return_dict=True)
    assert model.classifier is classifier


def test_a_frozen_network_is_in_inference_mode_also_in_training(classifier, data):
    x, _ = data
    noisy = keras.Sequential([keras.Input((6,)), keras.layers.Dropout(0.5)])
    noisy.trainable = False
    model = SelfModelingModel(classifier, noisy)
    outputs = model.joint_outputs(x, training=True)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(outputs["target"]), x)


def test_dropout_reaches_behind_what_follows_the_final_layer():
    classifier = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(8, kernel_initializer="identity"), keras.layers.ReLU(max_value=1.0)]
    )
    outputs = DropoutModel(classifier, 0.5, seed=1).joint_outputs(np.ones((20, 8), "float32"), training=True)
    # Doubled where it is kept, which the last layer cuts at 1.
    assert set(np.unique(keras.ops.convert_to_numpy(outputs["scores"]))) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda c: WeightDecayModel(c, -1.0), "aux_weight must be a number, finite and not negative"),
        (lambda c: WeightDecayModel(c, 0.1, layers="logit"), "No layer called 'logit'.*: hidden, logits"),
        (lambda c: ActivationRegularizationModel(c, "hiden"), "'hiden'.*layers: hidden, logits"),
        (lambda c: ActivationRegularizationModel(c, []), "at least one layer"),
        (lambda c: DropoutModel(c, 1.0), "0 ≤ rate < 1. Received: rate=1.0"),
        (lambda c: SelfModelingModel(c, mlp(4, inputs=6)), "must be frozen.*'mlp' with 4 trainable"),
        (lambda c: SelfModelingModel(c, frozen(), stop_gradient=False), "stop_gradient=False has no meaning"),
        (lambda c: SelfModelingModel(c, frozen(), head=keras.layers.Dense(3)), "10 target.*'frozen'.*3 outputs"),
    ],
)
def test_wrong_arguments_are_named(classifier, make, said):
    with pytest.raises(ValueError, match=said):
        make(classifier)


def test_a_frozen_network_with_other_inputs_is_refused(classifier):
    other = mlp(4, inputs=5)
    other.trainable = False
    with pytest.raises(ValueError, match=r"shape \[\(5,\)\]; the classifier's: \[\(6,\)\]"):
        SelfModelingModel(classifier, other)


def test_labels_out_of_range_are_found_with_every_objective(classifier, data, cross_entropy):
    x, _ = data
    model = WeightDecayModel(classifier, 0.1)
    model.compile("sgd", loss=cross_entropy)
    with pytest.raises(ValueError, match="0 … 2"):
        model.fit(x, np.full(len(x), 3), verbose=0)


def test_callbacks_may_come_in_a_list_of_keras(classifier, data, cross_entropy):
    model = WeightDecayModel(classifier, 0.1)
    model.compile("sgd", loss=cross_entropy)
    callbacks = keras.callbacks.CallbackList([], add_history=True, model=model, epochs=1, steps=1)
    assert "loss" in model.fit(*data, callbacks=callbacks, verbose=0).history
    # Only at the end of an epoch, because a data set is not looked through before; the others refuse such labels.
    if keras.config.backend() == "jax":
        x, y = data
        wrong = ((x, np.full(len(y), 3)) for _ in range(1))
        with pytest.raises(ValueError, match="0 … 2"):
            model.fit(wrong, steps_per_epoch=1, callbacks=callbacks, shuffle=False, verbose=0)


def test_a_penalty_must_say_what_it_is():
    model = PenalizedModel.__new__(PenalizedModel)
    with pytest.raises(NotImplementedError, match="PenalizedModel must say what its auxiliary loss is"):
        model.auxiliary_loss({})


def test_a_dropout_cannot_be_put_around_another_classifier():
    model = DropoutModel(mlp(4, inputs=3, classes=2, seed=1), rate=0.5)
    with pytest.raises(NotImplementedError, match="DropoutModel cannot be put around another classifier"):
        model.with_classifier(mlp(4, inputs=3, classes=2, seed=2))
