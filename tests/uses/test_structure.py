"""Networks of any structure."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_selfmodel as ksm
from tests.uses.frame import use
from tests.uses.plain_keras import array, mean_square, step_equals_plain_keras

AW = 2.0
STEP = "a step equals that of a Keras model with two outputs"


def backbone():
    inputs = keras.Input((6,))
    block = layers.Dense(5, "relu", name="block")(inputs)
    return keras.Model(inputs, layers.Dense(5, "relu", name="hidden")(block), name="backbone")


def tapped(nested, *names):
    return keras.Model(nested.inputs[0], [nested.outputs[0], *(nested.get_layer(name).output for name in names)])


def vectors(outputs=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(12, 6)).astype("float32"), rng.normal(size=(12, outputs)).astype("float32")


def sequences():
    rng = np.random.default_rng(0)
    return rng.normal(size=(12, 4, 6)).astype("float32"), rng.normal(size=(12, 4, 3)).astype("float32")


def compared(classifier, features, targets, x, y, names, loss="mse", *, options=None, **kwargs) -> dict:
    model = ksm.SelfModelingModel(classifier, names, AW, seed=1, **(options or {}))
    return step_equals_plain_keras(model, features, targets, x, y, loss, **kwargs)


# Targets and features


@use("A target inside a nested model, `backbone/block`", STEP)
def test_a_target_inside_a_nested_model():
    inputs, inner = keras.Input((6,)), backbone()
    top = layers.Dense(5, "relu", name="top")(inner(inputs))
    classifier = keras.Model(inputs, layers.Dense(3)(top))
    out, block = tapped(inner, "block")(inputs)
    compared(classifier, top, [block, out, top], *vectors(), ["backbone/block", "backbone", "top"])


@use("A target two models deep, and a nested model as tail", STEP)
def test_a_target_two_models_deep_and_a_nested_tail():
    inner = backbone()
    middle = keras.Sequential([keras.Input((6,)), inner], name="middle")
    tail = keras.Sequential([keras.Input((5,)), layers.Dense(5, "relu", name="hidden"), layers.Dense(3)], name="tail")
    classifier = keras.Sequential([keras.Input((6,)), layers.Rescaling(0.5), middle, tail])
    out, block = tapped(inner, "block")(0.5 * classifier.inputs[0])
    hidden = tail.layers[0](out)
    compared(classifier, hidden, [block, hidden], *vectors(), ["middle/backbone/block", "tail/hidden"])


@use("A layer predicted from an earlier one, `features=`", STEP)
def test_a_layer_is_predicted_from_an_earlier_one():
    names = ("first", "second")
    hidden = [layers.Dense(5, "relu", name=name) for name in names]
    classifier = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(3)])
    first, second = (layer.output for layer in hidden)
    compared(classifier, first, [second], *vectors(), "second", options={"features": "first"})


@use("Several `features`, of which one is the input's layer", STEP)
def test_several_features():
    inputs = keras.Input((6,))
    first = layers.Dense(5, "relu", name="first")(inputs)
    second = layers.Dense(5, "relu", name="second")(first)
    classifier = keras.Model(inputs, layers.Dense(3)(second))
    compared(classifier, [first, second], [second], *vectors(), "second", options={"features": ["first", "second"]})


@use("Attention scores as target, `mha:1`", STEP)
def test_attention_scores_are_a_target():
    inputs = keras.Input((4, 6))
    read, scores = layers.MultiHeadAttention(1, 5, name="mha")(inputs, inputs, return_attention_scores=True)
    hidden = layers.Dense(5, "relu")(layers.GlobalAveragePooling1D()(read))
    x, y = sequences()
    compared(keras.Model(inputs, layers.Dense(3)(hidden)), hidden, [scores], x, y[:, 0], "mha:1")


@use("A layer called twice, named by an `Identity`", STEP)
def test_a_layer_called_twice():
    inputs, twice = keras.Input((6,)), layers.Dense(6, "relu", name="twice")
    first = layers.Identity(name="first")(twice(inputs))
    second = twice(first)
    classifier = keras.Model(inputs, layers.Dense(3)(second))
    compared(classifier, second, [first], *vectors(), "first")


@use("`target_normalization='unit_rms'`", STEP)
def test_targets_of_unit_size():
    classifier = keras.Sequential([keras.Input((6,)), layers.Dense(5, "relu", name="hidden"), layers.Dense(3)])
    hidden = classifier.layers[0].output
    unit = hidden * ops.rsqrt(ops.mean(ops.square(hidden)) + keras.config.epsilon())
    compared(classifier, hidden, [unit], *vectors(), "hidden", options={"target_normalization": "unit_rms"})


@use("A frozen network that is predicted", "mean square in NumPy; its regularizers are no part of the loss")
def test_a_frozen_network_as_target():
    other = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "relu", activity_regularizer="l2", kernel_regularizer="l2")]
    )
    other.trainable = False
    classifier = keras.Sequential([keras.Input((6,)), layers.Dense(5, "relu"), layers.Dense(3)])
    model = ksm.SelfModelingModel(classifier, other, AW, seed=1)
    x, y = vectors()
    kernel, bias = model.head.get_weights()
    errors = array(classifier.layers[0](x)) @ kernel + bias - array(other(x))
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    logs = model.train_on_batch(x, y, return_dict=True)
    assert logs["self_prediction_loss"] == pytest.approx(mean_square(errors), rel=1e-5)
    assert logs["task_loss"] == pytest.approx(mean_square(array(classifier(x)) - y), rel=1e-5)


# A head for each step


def tagger(steps=4):
    inputs = keras.Input((steps, 6))
    hidden = layers.LSTM(5, return_sequences=True, name="hidden")(inputs)
    return keras.Model(inputs, layers.Dense(3)(hidden)), hidden


def of_steps(ahead: int, steps=4, **kwargs) -> dict:
    classifier, hidden = tagger(steps)
    options = {"per_timestep": True, "steps_ahead": ahead}
    model = ksm.SelfModelingModel(classifier, "hidden", AW, seed=1, **options)
    assert model.num_targets == 5
    prediction = model.head(hidden)
    errors = prediction[:, : -ahead or None] - ops.stop_gradient(hidden[:, ahead:])
    return step_equals_plain_keras(model, hidden, [hidden], *sequences(), "mse", errors=errors, **kwargs)


@use("`per_timestep`: a head applied to each step", STEP)
def test_a_head_for_each_step():
    of_steps(0)


@use("`steps_ahead=1`: the next step's activations", STEP)
def test_the_next_steps_activations():
    of_steps(1)


@use("`per_timestep` of sequences of any length", STEP)
def test_a_head_for_each_step_of_any_length():
    of_steps(0, None)


@use("`per_timestep` with weights of timesteps", "a step equals that of a Keras model whose two outputs weigh alike")
def test_a_head_for_each_step_with_weights():
    of_steps(0, sample_weight=np.random.default_rng(2).random((12, 4)).astype("float32"))


@use("`steps_ahead=1` with weights of timesteps", "the second output weighs as the steps that are predicted")
def test_the_next_step_with_weights():
    weights = np.random.default_rng(2).random((12, 4)).astype("float32")
    of_steps(1, sample_weight=weights, auxiliary_weight=weights[:, 1:])


def padded(ahead: int, weights=None) -> tuple:
    """The logs of a step on padded words, and what NumPy has of them: squares, which count, weights."""
    words = keras.Input((4,), dtype="int32")
    embedded = layers.Embedding(9, 6, mask_zero=True)(words)
    hidden = layers.LSTM(5, return_sequences=True, name="hidden")(embedded)
    classifier = keras.Model(words, layers.Dense(3)(hidden))
    x = np.array(4 * [[1, 2, 3, 4], [6, 7, 8, 0], [1, 3, 0, 0]])
    model = ksm.SelfModelingModel(classifier, "hidden", per_timestep=True, steps_ahead=ahead, seed=1)
    values = array(keras.Model(words, hidden)(x))
    kernel, bias = model.head.get_weights()
    squares = ((values @ kernel + bias)[:, : 4 - ahead] - values[:, ahead:]) ** 2
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    logs = model.train_on_batch(x, np.zeros((12, 4, 3)), sample_weight=weights, return_dict=True)
    return logs["self_prediction_loss"], squares.mean(-1), (x > 0)[:, ahead:]


@use("`per_timestep` with masks", "the mean over the real steps, in NumPy")
def test_a_head_for_each_step_with_masks():
    found, squares, real = padded(0)
    assert found == pytest.approx(np.mean(squares[real]), rel=1e-5)


@use("`steps_ahead=1` with masks and weights of timesteps", "the mean over real next steps, weighted, in NumPy")
def test_the_next_step_with_masks_and_weights():
    weights = np.random.default_rng(2).random((12, 4)).astype("float32")
    found, squares, real = padded(1, weights)
    assert found == pytest.approx(np.mean((squares * weights[:, 1:])[real]), rel=1e-5)


@use("`compute_loss` twice with the same tensor of weights", "the same number, and the weights as they were")
def test_weights_are_not_changed():
    words = keras.Input((4,), dtype="int32")
    hidden = layers.LSTM(5, return_sequences=True, name="hidden")(layers.Embedding(9, 6, mask_zero=True)(words))
    model = ksm.SelfModelingModel(keras.Model(words, layers.Dense(3)(hidden)), "hidden", per_timestep=True, seed=1)
    model.compile("sgd", "mse")
    x = ops.convert_to_tensor(4 * [[1, 2, 3, 4], [6, 7, 8, 0], [1, 3, 0, 0]])
    weights = np.random.default_rng(2).random((12, 4)).astype("float32")
    given, y = ops.convert_to_tensor(weights.copy()), ops.zeros((12, 4, 3))
    outputs = model.joint_outputs(x, training=True)
    first, second = (float(array(model.compute_loss(x, y, outputs, given))) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(array(given), weights)


# The final layer


class TwoMatrices(layers.Layer):
    """Class scores of two matrices, which name no kernel."""

    def build(self, shape):
        self.up = self.add_weight(shape=(shape[-1], 4), name="up")
        self.down = self.add_weight(shape=(4, 3), name="down")

    def call(self, x):
        return ops.matmul(ops.matmul(x, self.up), self.down)


class Prototypes(layers.Layer):
    """Class scores of one matrix, which is not called kernel."""

    def build(self, shape):
        self.prototypes = self.add_weight(shape=(shape[-1], 3), name="prototypes")

    def call(self, x):
        return ops.matmul(x, self.prototypes)


def ends_in(*end, sequence=False, spread_of=None, options=None) -> None:
    """The head of a network reads the hidden units, and the spread measured is that of the final layer's kernel."""
    hidden = layers.Dense(5, "relu", name="hidden")
    classifier = keras.Sequential([keras.Input((4, 6) if sequence else (6,)), hidden, *end])
    x, y = sequences() if sequence else vectors()
    y = y if len(classifier.output_shape) == y.ndim else y[:, 0]
    options = options or {}
    compared(classifier, hidden.output, [hidden.output], x, y, "hidden", options=options)
    kernel = end[0].get_weights()[0] if spread_of is None else spread_of()
    spread = ksm.weight_spread(classifier, **options).standard_deviation
    assert spread == pytest.approx(float(np.std(kernel)), rel=1e-5)


@use("`TimeDistributed(Dense)` as last layer", f"{STEP}; `weight_spread` is its kernel's, in NumPy")
def test_the_last_layer_is_time_distributed():
    ends_in(layers.TimeDistributed(layers.Dense(3)), sequence=True)


@use("`LSTM` as last layer", f"{STEP}; `weight_spread` is its kernel's, in NumPy")
def test_the_last_layer_is_recurrent():
    ends_in(layers.LSTM(3), sequence=True)


@use("`EinsumDense` as last layer", f"{STEP}; `weight_spread` is its kernel's, in NumPy")
def test_the_last_layer_is_einsum():
    ends_in(layers.EinsumDense("btd,dc->btc", (4, 3)), sequence=True)


@use("A custom layer of logits", f"{STEP}; `weight_spread` is its matrix's, in NumPy")
def test_the_last_layer_is_custom():
    ends_in(Prototypes())


@use("A custom layer of two matrices, `output_layer=`", STEP)
def test_the_final_layer_can_be_named():
    hidden, last = layers.Dense(5, "relu", name="hidden"), TwoMatrices(name="scores")
    classifier = keras.Sequential([keras.Input((6,)), hidden, last])
    compared(classifier, hidden.output, [hidden.output], *vectors(), "hidden", options={"output_layer": "scores"})


@use("Layer normalization behind the logits, `output_layer=`", f"{STEP}; `weight_spread` is the logits' kernel's")
def test_a_layer_with_weights_behind_the_last():
    logits = layers.Dense(3, name="logits")
    ends_in(logits, layers.LayerNormalization(), options={"output_layer": "logits"})


@use("A `Lambda` and an activation behind the logits", f"{STEP}; `weight_spread` is the logits' kernel's")
def test_operations_behind_the_last_layer():
    ends_in(layers.Dense(3), layers.Lambda(lambda x: 2 * x), layers.Activation("tanh"))


@use("A classifier with one output, inside `Sequential([Rescaling, model])`", f"{STEP}; spread of the inner kernel")
def test_a_whole_classifier_inside():
    last = layers.Dense(3)
    whole = keras.Sequential([keras.Input((5,)), layers.Dense(5, "relu", name="inner"), last], name="whole")
    inner = whole.layers[0]
    first = layers.Dense(5, "relu", name="hidden")
    classifier = keras.Sequential([keras.Input((6,)), first, whole])
    compared(classifier, inner(first.output), [first.output], *vectors(), "hidden")
    spread = ksm.weight_spread(classifier).standard_deviation
    assert spread == pytest.approx(float(np.std(last.get_weights()[0])), rel=1e-5)


@use("`DropoutModel(output_layer=...)`", "at rate 0 the plain model's loss; at ½ the features of half are dropped")
def test_dropout_before_a_named_final_layer():
    end = [layers.Dense(200, kernel_initializer="identity", use_bias=False, name="logits"), layers.LayerNormalization()]
    classifier = keras.Sequential([keras.Input((200,)), *end])
    model = ksm.models.DropoutModel(classifier, 0.5, output_layer="logits", seed=1)
    ones = np.ones((50, 200), "float32")
    scores = array(model.joint_outputs(ops.convert_to_tensor(ones), training=True)["scores"])
    # 10,000 draws: a standard deviation of 0.005. Normalized, what is kept is positive and the rest negative.
    assert np.mean(scores < 0) == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(array(model(ones)), array(classifier(ones)))


# Kinds of models


class Tempered(keras.Model):
    def call(self, x, training=None, mask=None):
        return super().call(x, training=training, mask=mask) / 2.0


class Halved(keras.Model):
    def call(self, x):
        return super().call(x) / 2.0


@use("A functional model with a custom `call`", f"{STEP}, and `predict` is its own")
def test_a_functional_model_with_a_call_of_its_own():
    x, y = vectors()
    for cls in (Tempered, Halved):
        inputs = keras.Input((6,))
        hidden = layers.Dense(5, "relu", name="hidden")(inputs)
        logits = layers.Dense(3)(hidden)
        classifier = cls(inputs, logits)
        compared(classifier, hidden, [hidden], x, y, "hidden", scores=logits / 2.0)
        model = ksm.SelfModelingModel(classifier, "hidden")
        np.testing.assert_array_equal(array(model(x)), array(classifier(x)))


@use("A dict of several inputs", STEP)
def test_inputs_by_name():
    inputs = {"left": keras.Input((4,), name="left"), "right": keras.Input((2,), name="right")}
    hidden = layers.Dense(5, "relu", name="hidden")(layers.Concatenate()([inputs["left"], inputs["right"]]))
    x, y = vectors()
    x = {"left": x[:, :4], "right": x[:, 4:]}
    compared(keras.Model(inputs, layers.Dense(3)(hidden)), hidden, [hidden], x, y, "hidden")


def two_outputs():
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, "relu", name="hidden")(inputs)
    kind = layers.Dense(3, name="kind")(hidden)
    second = layers.Dense(5, "relu", name="second")(hidden)
    x, size = vectors(1)
    losses = [keras.losses.SparseCategoricalCrossentropy(from_logits=True), "mse"]
    return inputs, hidden, second, [kind, layers.Dense(1, name="size")(second)], x, [np.arange(12) % 3, size], losses


@use("Two outputs, `output_layer=` one of them", "a step equals that of a Keras model with three outputs")
def test_beside_one_of_two_outputs():
    inputs, hidden, _, outputs, x, y, losses = two_outputs()
    classifier = keras.Model(inputs, outputs)
    compared(classifier, hidden, [hidden], x, y, "hidden", losses, options={"output_layer": "kind"})


@use("Two outputs, `features=` a layer between", "a step equals that of a Keras model with three outputs")
def test_beside_two_outputs_from_a_layer_between():
    inputs, hidden, second, outputs, x, y, losses = two_outputs()
    classifier = keras.Model(inputs, outputs)
    compared(classifier, second, [hidden], x, y, "hidden", losses, options={"features": "second"})


@use("Activity regularizers and `add_loss` in nested layers", f"{STEP}, each penalty once")
def test_penalties_of_nested_layers():
    inner = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "relu", activity_regularizer="l2", name="a"), Penalized(name="b")],
        name="inner",
    )
    classifier = keras.Sequential([keras.Input((6,)), inner, layers.Dense(3, kernel_regularizer="l1")])
    out = classifier.layers[0].output
    compared(classifier, out, [out], *vectors(), "inner/b")


class Penalized(layers.Layer):
    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.square(x)))
        return x


@use("Batch normalization and dropout", f"{STEP}, moving averages included")
def test_layers_that_know_training():
    layers_of = [layers.BatchNormalization(), layers.Dropout(0.5, seed=2), layers.Dense(5, "relu", name="hidden")]
    classifier = keras.Sequential([keras.Input((6,)), *layers_of, layers.Dense(3)])
    compared(classifier, classifier.layers[2].output, [classifier.layers[2].output], *vectors(), "hidden")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.scores = layers.Dense(5, "relu", name="hidden"), layers.Dense(3)

    def call(self, x):
        return self.scores(self.hidden(x))


@use("A subclassed model in `SelfModelingModel`", f"an error that says what to do; then {STEP}")
def test_a_subclassed_classifier():
    subclassed = Subclassed()
    subclassed(vectors()[0])
    with pytest.raises(ValueError, match=r"subclassed model hides.*keras\.Model\(inputs, model\.call\(inputs\)\)"):
        ksm.SelfModelingModel(subclassed, "hidden")
    inputs = keras.Input((6,))
    classifier = keras.Model(inputs, subclassed.call(inputs))
    hidden = classifier.get_layer("hidden").output
    compared(classifier, hidden, [hidden], *vectors(), "hidden")
    assert classifier.get_layer("hidden") is subclassed.hidden


# Saved and loaded


def saved(model, x, path) -> None:
    model.save(path)
    loaded = keras.models.load_model(path, custom_objects={"Prototypes": Prototypes})
    ours, theirs = ({**m.get_config(), "classifier": None, "head": None} for m in (model, loaded))
    assert ours == theirs
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    ours, theirs = (m.joint_outputs(ops.convert_to_tensor(x)) for m in (model, loaded))
    for name, value in ours.items():
        np.testing.assert_array_equal(array(value), array(theirs[name]))


@use("`.keras` of `per_timestep` and `steps_ahead`", "predictions, targets and class scores bit for bit")
def test_steps_are_saved_and_loaded(tmp_path):
    model = ksm.SelfModelingModel(tagger()[0], "hidden", per_timestep=True, steps_ahead=1, seed=1)
    saved(model, sequences()[0], tmp_path / "model.keras")


@use("`.keras` of a `BiasOnlyHead` and `features`", "predictions, targets and class scores bit for bit")
def test_a_head_of_biases_is_saved_and_loaded(tmp_path):
    classifier = keras.Sequential([keras.Input((6,)), layers.Dense(5, "relu", name="a"), layers.Dense(3, name="b")])
    model = ksm.SelfModelingModel(classifier, "b", head=ksm.layers.BiasOnlyHead, features="a")
    model.head.bias.assign(np.arange(3.0))
    saved(model, vectors()[0], tmp_path / "model.keras")


@use("`.keras` of `DropoutModel(output_layer=...)`", "class scores bit for bit")
def test_dropout_is_saved_and_loaded(tmp_path):
    end = [layers.Dense(3, name="logits"), layers.LayerNormalization()]
    classifier = keras.Sequential([keras.Input((6,)), layers.Dense(5, "relu"), *end])
    saved(ksm.models.DropoutModel(classifier, 0.5, output_layer="logits"), vectors()[0], tmp_path / "model.keras")


@use("`.keras` of a nested model with a custom layer", "predictions, targets and class scores bit for bit")
def test_a_nested_model_is_saved_and_loaded(tmp_path):
    classifier = keras.Sequential([keras.Input((6,)), backbone(), Prototypes()])
    saved(ksm.SelfModelingModel(classifier, "backbone/block", seed=1), vectors()[0], tmp_path / "model.keras")
