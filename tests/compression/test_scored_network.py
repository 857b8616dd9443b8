import functools

import keras
import numpy as np
import pytest
from keras import losses

import keras_selfmodel as ksm
from keras_selfmodel.compression import (
    ScoredNetwork,
    brier_score,
    expected_calibration_error,
    keras_quantized,
    low_rank_curve,
    pruning_curve,
    uniform_quantizations,
    weight_noise_curve,
)
from keras_selfmodel.models.precision import building_in, in_single_precision
from tests.rlct.small_data import CROSS_ENTROPY, NEXT, TOKENS, WORDS, N, tagger


@pytest.mark.every_backend
def test_the_score_is_what_keras_evaluates(network, model, data):
    loss, accuracy = model.evaluate(*data, verbose=0)
    score = network.score()
    assert score.loss == pytest.approx(loss, rel=1e-6) and score.accuracy == pytest.approx(accuracy)


@pytest.mark.every_backend
def test_other_kernels_are_scored_and_the_networks_own_are_back_afterwards(network, model, forward):
    before = model.get_weights()
    place = next(place for place, name in network.kernels.items() if "hidden" in name)
    score = network.score({place: 2 * before[0]})
    loss, accuracy = forward([2 * before[0], *before[1:]])
    assert score.loss == pytest.approx(loss, rel=1e-5) and score.accuracy == accuracy
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_self_modeling_model_is_scored_as_its_classifier(model, data):
    wrapped = ksm.SelfModelingModel(model, "hidden", 1.0)
    wrapped.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = ScoredNetwork(wrapped, *data)
    assert len(found.kernels) == 2 and found.score().loss == pytest.approx(
        model.evaluate(*data, verbose=0)[0], rel=1e-6
    )


def test_the_head_of_a_self_modeling_model_inside_another_is_no_part_of_its_size(model, data, network):
    outer = keras.Sequential([keras.Input(model.input_shape[1:]), ksm.SelfModelingModel(model, "hidden")])
    outer.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = ScoredNetwork(outer, *data)
    assert found.size == network.size and found.score().loss == pytest.approx(network.score().loss, rel=1e-6)


def test_a_regression_has_a_loss_and_no_accuracy():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    x, y = np.eye(2, dtype="float32"), np.array([[0.3], [0.5]], dtype="float32")
    score = ScoredNetwork(model, x, y).score()
    assert score.accuracy is None and score.loss == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-6)


@pytest.mark.parametrize("logits", [True, False])
def test_a_single_output_of_two_classes_has_an_accuracy(logits):
    activation = None if logits else "sigmoid"
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation)])
    model.set_weights([np.array([[2.0]]), np.array([-1.0])])  # 1 from x = 0.5 on
    loss = keras.losses.BinaryCrossentropy(from_logits=logits)
    x, y = np.array([[0.0], [0.4], [0.6], [1.0]], "float32"), np.array([0, 1, 1, 1])
    answers = ScoredNetwork(model, x, y, loss=loss).answers()
    assert answers.score.accuracy == 0.75
    np.testing.assert_allclose(answers.classes.probabilities[:, 1], 1 / (1 + np.exp(-(2 * x[:, 0] - 1))), rtol=1e-5)


def test_one_hot_labels_are_class_numbers(model, data, network):
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    found = ScoredNetwork(model, data[0], np.eye(3, dtype="float32")[data[1]], loss=loss).score()
    assert found.accuracy == network.score().accuracy and found.loss == pytest.approx(network.score().loss, rel=1e-6)


def my_crossentropy(y, scores):
    return losses.sparse_categorical_crossentropy(y, scores, from_logits=True)


def ignoring_a_class(y, scores):
    return losses.sparse_categorical_crossentropy(y, scores, from_logits=True, ignore_class=0)


@pytest.fixture(scope="module")
def masked() -> keras.Model:
    """Two Dense layers for each word; behind the end of a text, words are masked."""
    return tagger(keras.layers.Dense(4, "relu"))


@pytest.mark.parametrize(
    ("loss", "one_hot"),
    [
        (CROSS_ENTROPY, False),
        (ignoring_a_class, False),
        (losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"), False),
        (losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), True),
        ("mse", True),
    ],
)
def test_masked_steps_count_neither_in_the_loss_nor_in_the_accuracy(masked, loss, one_hot):
    y = np.eye(WORDS, dtype="float32")[NEXT] if one_hot else NEXT
    masked.compile("sgd", loss, metrics=["accuracy"], run_eagerly=True)
    expected, accuracy = masked.evaluate(TOKENS, y, batch_size=N, verbose=0)
    score = ScoredNetwork(masked, TOKENS, y, batch_size=9).score()
    assert score.loss == pytest.approx(expected, rel=1e-5)
    if loss == "mse":
        assert score.accuracy is None
    elif loss is not ignoring_a_class:  # Keras's accuracy knows of no ignored class.
        assert score.accuracy == pytest.approx(accuracy, rel=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        my_crossentropy,
        functools.partial(losses.sparse_categorical_crossentropy, from_logits=True),
        lambda y, scores: 2 * my_crossentropy(y, scores),
    ],
)
def test_a_custom_loss_is_read_by_the_outputs_it_is_given(model, data, network, loss):
    classes = ScoredNetwork(model, *data, loss=loss).answers().classes
    np.testing.assert_allclose(classes.probabilities, network.answers().classes.probabilities, rtol=1e-6)
    assert (classes.predictions == network.answers().classes.predictions).all()


def test_outputs_that_may_be_anything_have_an_accuracy_at_most(model, data, network):
    scaled = keras.Model(model.inputs, keras.layers.Rescaling(3.0)(model.outputs[0]))
    answers = ScoredNetwork(scaled, *data, loss=lambda y, scores: my_crossentropy(y, scores)).answers()
    assert answers.score.accuracy == network.score().accuracy and answers.classes.probabilities is None
    unit = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])

    def squares(y, scores):
        return (keras.ops.cast(y, "float32") - scores) ** 2

    assert ScoredNetwork(unit, data[0], data[1] % 2, loss=squares).answers().classes is None


@pytest.mark.parametrize("from_function", [True, False])
def test_samples_of_an_ignored_class_are_not_wrong(model, data, from_function):
    x, y = data[0], np.where(np.arange(60) < 20, -1, data[1])
    sparse = functools.partial(losses.sparse_categorical_crossentropy, from_logits=True, ignore_class=-1)
    loss = sparse if from_function else losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    answers = ScoredNetwork(model, x, y, loss=loss, batch_size=25).answers()
    kernel, bias, last, last_bias = model.get_weights()
    right = (np.maximum(x @ kernel + bias, 0) @ last + last_bias).argmax(axis=1) == data[1]
    assert answers.score.accuracy == pytest.approx(right[20:].mean()) and len(answers.classes.labels) == 40
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.compile("sgd", loss)
    assert answers.loss == pytest.approx(
        copy.evaluate(x, y, batch_size=60, verbose=0, return_dict=True)["loss"], rel=1e-5
    )
    with pytest.raises(ValueError, match="masked or ignored"):
        ScoredNetwork(model, x, np.full(60, -1), loss=loss).score()


def test_a_sum_over_the_batch_is_divided_by_the_samples_and_said(model, data, network):
    summed = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    with pytest.warns(UserWarning, match="divided by the number of samples here"):
        found = ScoredNetwork(model, *data, loss=summed)
    assert found.score().loss == pytest.approx(network.score().loss, rel=1e-6)


def test_the_network_as_it_is_is_computed_once(model, data):
    found = ScoredNetwork(model, *data, loss=CROSS_ENTROPY)
    assert found.answers() is found.intact and found.answers(found.matrices, x=data[0].copy()) is found.intact
    assert found.answers(x=2 * data[0]) is not found.intact


def test_a_model_without_kernels_is_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])
    with pytest.raises(ValueError, match="nothing to compress"):
        ScoredNetwork(model, np.ones((2, 3)), np.array([0, 1]), loss="sparse_categorical_crossentropy")


class Ensemble(keras.Model):
    """The sum of several networks whose weights have the same paths."""

    def __init__(self, networks):
        super().__init__()
        self.networks = networks

    def call(self, x):
        return sum(network(x) for network in self.networks)


class TwoMatrices(keras.Layer):
    def build(self, shape):
        self.first = self.add_weight(shape=(shape[-1], 4), name="w")
        self.second = self.add_weight(shape=(4, 3), name="w")

    def call(self, x):
        return keras.ops.relu(x @ self.first) @ self.second


class NamedAlike(keras.Layer):
    def __init__(self):
        super().__init__()
        self.parts = [keras.layers.Dense(3, name="lin") for _ in range(2)]

    def call(self, x):
        return self.parts[0](x) + self.parts[1](x)


def ensemble():
    base = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(3)])
    return Ensemble([keras.models.clone_model(base) for _ in range(2)])


@pytest.mark.parametrize(
    ("made", "size"),
    [
        (ensemble, 2 * (6 * 5 + 5 * 3)),
        (lambda: keras.Sequential([keras.Input((6,)), TwoMatrices()]), 6 * 4 + 4 * 3),
        (lambda: keras.Sequential([keras.Input((6,)), NamedAlike()]), 2 * 6 * 3),
    ],
)
def test_weights_of_the_same_path_are_different_weights(data, made, size):
    model = made()
    model(data[0])
    model.compile("sgd", CROSS_ENTROPY)
    network = ScoredNetwork(model, *data)
    assert network.size == size and len(set(network.kernels.values())) == len(network.kernels)
    curve = pruning_curve(network, shares=(1.0, 0.5, 0.0))
    assert curve.points[-1].loss == pytest.approx(np.log(3), rel=1e-6)  # Biases are 0 too: all classes alike.
    before = model.get_weights()
    limit = np.sort(np.concatenate([abs(w).ravel() for w in before if w.ndim > 1]))[::-1][round(size / 2) - 1]
    model.set_weights([w * (abs(w) >= limit) if w.ndim > 1 else w for w in before])
    assert curve.points[1].loss == pytest.approx(model.evaluate(*data, batch_size=60, verbose=0), rel=1e-5)


def test_other_values_for_what_is_no_kernel_are_refused(network):
    with pytest.raises(ValueError, match=r"kernels at the places 0 \(.*hidden/kernel\), 2 .*Received: 1"):
        network.score({1: np.zeros(8)})


@pytest.mark.parametrize("batch_size", [0, -1, "a", 2.5, None, True])
def test_a_batch_size_that_is_none_is_refused(model, data, batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be a whole number, at least 1. .*={batch_size!r}"):
        ScoredNetwork(model, *data, batch_size=batch_size)


def test_a_whole_number_of_any_type_is_a_batch_size(model, data, network):
    assert ScoredNetwork(model, *data, batch_size=np.float32(25)).score().loss == network.score().loss


class Batches(keras.utils.PyDataset):
    def __init__(self, x, *y):
        super().__init__()
        self.arrays = (x, *y)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        found = tuple(array[30 * index : 30 * index + 30] for array in self.arrays)
        return found if len(found) > 1 else found[0]


@pytest.mark.parametrize("read", [Batches, lambda x, *_: Batches(x), lambda x, y: iter([(x, y)])])
def test_a_data_set_of_batches_is_refused_by_what_is_taken(model, data, read):
    read = read(*data)
    with pytest.raises(ValueError, match=f"x must be an array, a tensor or a table.*of type {type(read).__name__}"):
        ScoredNetwork(model, read, data[1])


def test_calibration_is_that_of_the_definition():
    # Bins of 0.2: (0.4, 0.6] holds two samples, one right; (0.8, 1] three, all right.
    probabilities = np.array([[0.55, 0.45], [0.48, 0.52], [0.9, 0.1], [0.05, 0.95], [1.0, 0.0]])
    labels = np.array([0, 0, 0, 1, 0])
    expected = (2 * abs(0.5 - (0.55 + 0.52) / 2) + 3 * abs(1 - (0.9 + 0.95 + 1) / 3)) / 5
    assert expected_calibration_error(probabilities, labels, bins=5) == pytest.approx(expected)
    squares = [2 * 0.45**2, 2 * 0.52**2, 2 * 0.1**2, 2 * 0.05**2, 0]
    assert brier_score(probabilities, labels) == pytest.approx(np.mean(squares))
    column = labels[:, None]
    assert brier_score(probabilities, column) == pytest.approx(np.mean(squares))
    assert expected_calibration_error(probabilities, column, bins=5) == pytest.approx(expected)


@pytest.mark.parametrize("measure", [brier_score, expected_calibration_error])
@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.full((2, 2), 0.5), [[0, 1]], r"labels must be one .* 2 samples.* shape \(1, 2\)"),
        (np.full((2, 2), 0.5), 0, r"Received: shape \(\)"),
        (np.full((2, 2), 0.5), [0, 2], "class numbers 0 … 1. Received: labels from 0 to 2"),
        (np.full(2, 0.5), [0, 1], r"probabilities must have the shape \(samples, classes\)"),
    ],
)
def test_calibration_refuses_what_does_not_fit(measure, probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        measure(probabilities, labels)


def trained_later(data):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, name="logits")])
    model.compile(keras.optimizers.Adam(0.05), CROSS_ENTROPY)
    network = ScoredNetwork(model, *data)
    network.score()
    model.fit(*data, epochs=3, verbose=0)
    return network, model


@pytest.mark.parametrize(
    "measure",
    [
        lambda network, data: network.score(),
        lambda network, data: network.intact,
        lambda network, data: network.score(x=2 * data[0]),
        lambda network, data: network.score({0: 2 * network.weights[0]}),
        lambda network, data: network.score_with(network.weights),
        lambda network, data: pruning_curve(network, shares=(1.0, 0.9)),
        lambda network, data: weight_noise_curve(network),
        lambda network, data: low_rank_curve(network),
        lambda network, data: uniform_quantizations(network),
        lambda network, data: keras_quantized(network),
    ],
)
def test_a_training_after_the_network_was_scored_is_neither_measured_nor_undone(data, measure):
    network, model = trained_later(data)
    loss = model.evaluate(*data, verbose=0)
    with pytest.raises(ValueError, match="after the ScoredNetwork was made"):
        measure(network, data)
    assert model.evaluate(*data, verbose=0) == pytest.approx(loss, rel=1e-6)


def test_states_that_calls_change_are_no_training():
    keras.utils.set_random_seed(0)
    recurrent = keras.layers.GRU(3, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(4, 5, 2)), recurrent, keras.layers.Dense(2)])
    model.compile("sgd", CROSS_ENTROPY)
    x, y = np.random.default_rng(0).normal(size=(4, 5, 2)).astype("float32"), np.arange(4) % 2
    network = ScoredNetwork(model, x, y)
    model.predict(x, verbose=0)
    assert network.size == 2 * 9 + 3 * 9 + 3 * 2
    assert pruning_curve(network, shares=(1.0, 0.0)).points[1].loss == pytest.approx(np.log(2), rel=1e-6)


def test_weights_of_other_shapes_are_refused_and_leave_the_network_as_it_is(network, model):
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"have the shapes \(6, 8\).*Received: shapes \(6, 8\), \(8,\), \(3, 3\)"):
        network.score_with([0 * before[0], before[1], before[2][:3], before[3]])
    with pytest.raises(ValueError, match=r"Received: shapes \(2, 2\)"):
        network.score({0: np.zeros((2, 2))})
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@keras.saving.register_keras_serializable(package="test")
class PlaceBias(keras.layers.Layer):
    def build(self, shape):
        self.bias = self.add_weight(shape=shape[1:], name="bias")

    def call(self, x):
        return x + self.bias


@pytest.mark.parametrize(
    ("layer", "kernels"),
    [
        (lambda: keras.layers.GRU(4), {"kernel": (2, 12), "recurrent_kernel": (4, 12)}),
        (lambda: keras.layers.LayerNormalization(axis=(1, 2)), {}),
        (lambda: keras.layers.PReLU(), {}),
        (lambda: keras.layers.SpectralNormalization(keras.layers.Dense(4)), {"kernel": (2, 4)}),
        (lambda: keras.layers.SeparableConv1D(4, 2), {"depthwise_kernel": (2, 2, 1), "pointwise_kernel": (1, 2, 4)}),
        (lambda: PlaceBias(), {}),
    ],
)
def test_biases_and_what_normalizes_are_no_kernels_whatever_their_shape(layer, kernels):
    inputs = keras.Input((5, 2))
    hidden = layer()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(keras.layers.Flatten()(hidden)))
    model.compile("sgd", CROSS_ENTROPY)
    network = ScoredNetwork(model, np.ones((4, 5, 2), "float32"), np.arange(4) % 3)
    units = int(np.prod(hidden.shape[1:]))
    found = sorted(values.shape for values in network.matrices.values())
    assert found == sorted([*kernels.values(), (units, 3)])


def test_biases_of_attention_are_no_kernels():
    inputs = keras.Input((5, 4))
    hidden = keras.layers.MultiHeadAttention(2, 3)(inputs, inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(hidden)))
    model.compile("sgd", CROSS_ENTROPY)
    network = ScoredNetwork(model, np.ones((4, 5, 4), "float32"), np.arange(4) % 3)
    assert network.size == 3 * 4 * 2 * 3 + 2 * 3 * 4 + 20 * 3


@pytest.fixture
def recurrent():
    """A classifier that carries the states of 32 samples from batch to batch, and 64 samples."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.GRU(5, stateful=True, name="gru")
    model = keras.Sequential([keras.Input((6, 4), batch_size=32), layer, keras.layers.Dense(3)])
    model.compile("sgd", CROSS_ENTROPY)
    x = np.random.default_rng(0).normal(size=(64, 6, 4)).astype("float32")
    return model, layer, (x, np.arange(64) % 3)


def loss_of_batches(model, layer, x, y, state):
    """The mean of what Keras evaluates for each batch of 32 alone, from the same state."""
    losses = []
    for start in range(0, len(x), 32):
        layer.states[0].assign(state)
        losses.append(model.evaluate(x[start : start + 32], y[start : start + 32], batch_size=32, verbose=0))
    return np.mean(losses)


def test_a_stateful_network_is_scored_from_the_states_that_it_had_and_keeps_its_own(recurrent):
    model, layer, data = recurrent
    state, later = np.random.default_rng(1).normal(size=(2, 32, 5)).astype("float32")
    weights = model.get_weights()
    expected = loss_of_batches(model, layer, *data, state)
    layer.states[0].assign(state)
    network = ScoredNetwork(model, *data, batch_size=32)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer.states[0]), state)
    assert network.score().loss == pytest.approx(expected, rel=1e-6)
    layer.states[0].assign(later)
    changed = network.score({0: 2 * weights[0]}).loss
    assert network.score(x=data[0] + 0).loss == pytest.approx(expected, rel=1e-6)
    # Recurrent kernels are not quantized, the last layer is: in steps of 1/127 of a column's largest weight.
    assert keras_quantized(network).loss == pytest.approx(expected, rel=0.01)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer.states[0]), later)
    model.set_weights([2 * weights[0], *weights[1:]])
    assert changed == pytest.approx(loss_of_batches(model, layer, *data, state), rel=1e-6)


@pytest.mark.parametrize(("samples", "batch_size"), [(64, 2000), (64, 16), (33, 32), (20, 32)])
def test_batches_that_a_stateful_network_does_not_take_are_refused(recurrent, samples, batch_size):
    model, _, (x, y) = recurrent
    with pytest.raises(ValueError, match=f"'gru' carries the states of 32 .*={batch_size}, {samples} samples"):
        ScoredNetwork(model, x[:samples], y[:samples], batch_size=batch_size)


def test_a_fixed_batch_size_is_no_obstacle_where_any_other_works(data):
    model = keras.Sequential([keras.Input((6,), batch_size=32), keras.layers.Dense(3)])
    model.compile("sgd", CROSS_ENTROPY)
    kernel, bias = (one.astype(np.float64) for one in model.get_weights())
    logits = data[0] @ kernel + bias
    expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(60), data[1]])
    for batch_size in (2000, 32, 25):
        assert ScoredNetwork(model, *data, batch_size=batch_size).score().loss == pytest.approx(expected, rel=1e-5)


class Halves(keras.layers.Layer):
    """Takes 30 samples, no more and no fewer."""

    def call(self, x):
        return keras.ops.reshape(keras.ops.reshape(x, (2, 15, 6)), (30, 6))


def test_a_batch_size_that_only_the_layers_know_is_named(data):
    model = keras.Sequential([keras.Input((6,), batch_size=30), Halves(), keras.layers.Dense(3)])
    model.compile("sgd", CROSS_ENTROPY)
    assert ScoredNetwork(model, *data, batch_size=30).score().loss > 0
    with pytest.raises(
        ValueError, match="is made for batches of 30 samples.*Pass batch_size=30.*a batch of 60 samples"
    ):
        ScoredNetwork(model, *data)
    part = [one[:50] for one in data]
    with pytest.raises(ValueError, match="is made for batches of 30 samples.*a batch of 20 samples"):
        ScoredNetwork(model, *part, batch_size=30).score()


@keras.saving.register_keras_serializable(package="test")
class Counter(keras.layers.Layer):
    """Counts its calls, and fades what it is given by them."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), name="calls", initializer="zeros", trainable=False)

    def call(self, x):
        self.calls.assign_add(1.0)
        return x / self.calls


def test_a_layer_that_counts_its_calls_is_not_trained_by_them(data):
    model = keras.Sequential([keras.Input((6,)), Counter(), keras.layers.Dense(3)])
    model.compile("sgd", CROSS_ENTROPY)
    counter = model.layers[0].calls
    counter.assign(4.0)
    network = ScoredNetwork(model, *data)
    assert float(counter) == 4
    before = network.score().loss
    model.evaluate(*data, batch_size=60, verbose=0)
    _, kernel, bias = (one.astype(np.float64) for one in network.weights)
    for factor, loss in ((1, network.score().loss), (2, network.score({1: 2 * network.weights[1]}).loss)):
        logits = data[0] / 5 @ (factor * kernel) + bias  # The first call from four on is the fifth.
        expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(60), data[1]])
        assert loss == pytest.approx(expected, rel=1e-5)
    assert before == network.score().loss and float(counter) == 5
    keras_quantized(network)
    model.fit(*data, verbose=0)
    with pytest.raises(ValueError, match="after the ScoredNetwork was made"):
        network.score()


def test_statistics_that_a_training_call_changes_are_a_training(data):
    model = keras.Sequential([keras.Input((6,)), keras.layers.BatchNormalization(), keras.layers.Dense(3)])
    model.compile("sgd", CROSS_ENTROPY)
    network = ScoredNetwork(model, *data)
    model(data[0], training=True)
    with pytest.raises(ValueError, match="a call with training=True.*moving_mean"):
        network.score()


class Subclassed(keras.Model):
    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.units, self.dense = units, keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)


class WithoutSettings(Subclassed):
    def __init__(self):
        super().__init__()


def test_keras_quantizes_a_subclassed_model_that_it_can_copy(data):
    model = Subclassed(3)
    model(data[0])
    model.compile("sgd", CROSS_ENTROPY)
    found = keras_quantized(ScoredNetwork(model, *data))
    copy = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    copy.set_weights(model.get_weights())
    copy.layers[0].quantize("int8")
    copy.compile("sgd", CROSS_ENTROPY)
    assert found.loss == pytest.approx(copy.evaluate(*data, verbose=0), rel=1e-5)


def test_what_keras_cannot_copy_is_named(data):
    model = WithoutSettings()
    model(data[0])
    model.compile("sgd", CROSS_ENTROPY)
    with pytest.raises(ValueError, match="Keras cannot copy 'without_settings.*get_config and .*of type WithoutSett"):
        keras_quantized(ScoredNetwork(model, *data))


@keras.saving.register_keras_serializable(package="test")
class Scaled(keras.layers.Layer):
    """Has a factor that its settings do not tell of."""

    factor = 1.0

    def call(self, x):
        return self.factor * x


def test_a_copy_that_computes_something_else_is_not_quantized(data):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3), Scaled()])
    model.layers[-1].factor = 3.0
    model.compile("sgd", CROSS_ENTROPY)
    with pytest.raises(
        ValueError, match="copy of '.*', .* has a loss of .* not .*neither in its get_config nor a weigh"
    ):
        keras_quantized(ScoredNetwork(model, *data))


@pytest.mark.parametrize("batch_size", [1, 4, 2000])
def test_the_batch_size_does_not_change_how_outputs_are_read(batch_size):
    """The first outputs lie between 0 and 1, the others do not: they are logits."""
    x = np.concatenate([np.full((4, 1), 0.5), np.linspace(-3, 3, 36)[:, None]]).astype("float32")
    y = np.arange(40) % 2
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1), keras.layers.Lambda(lambda z: z + 0.0)])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    logits = x[:, 0].astype("float64")
    exact = np.mean(np.log1p(np.exp(logits)) - y * logits)
    assert ScoredNetwork(model, x, y, batch_size=batch_size).score().loss == pytest.approx(exact, rel=1e-5)


def test_a_copy_normalizes_as_the_model_does():
    x = np.random.default_rng(1).normal(size=(40, 5)).astype("float32") * 3 + 1
    normalization = keras.layers.Normalization()
    normalization.adapt(x)
    model = keras.Sequential([keras.Input((5,)), normalization, keras.layers.Dense(3)])
    network = ScoredNetwork(model, x, np.arange(40) % 3)
    assert keras_quantized(network, "int8").loss == pytest.approx(network.intact.score.loss, rel=0.05)
    with building_in("mixed_bfloat16"):
        half = keras.Sequential([keras.Input((5,)), keras.layers.Normalization(), keras.layers.Dense(3)])
    half.layers[0].adapt(x)
    kernel, bias = half.layers[1].get_weights()
    exact = (x - x.mean(axis=0)) / x.std(axis=0) @ kernel + bias
    np.testing.assert_allclose(in_single_precision(half).predict(x, verbose=0), exact, atol=1e-4)


@pytest.mark.filterwarnings("ignore:The model has no loss from compile")
def test_of_a_student_that_is_distilled_the_teacher_is_left_alone():
    x, y = np.random.default_rng(1).normal(size=(20, 5)).astype("float32"), np.arange(20) % 3
    teacher, student = (keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)]) for _ in "ab")
    model = keras.distillation.Distiller(teacher, student, keras.distillation.LogitsDistillation())
    model.compile("sgd", CROSS_ENTROPY)
    assert list(ScoredNetwork(model, x, y, loss=CROSS_ENTROPY).kernels.values()) == [student.layers[0].kernel.path]


def test_states_are_given_back_where_the_labels_are_wrong():
    class Counts(keras.layers.Layer):
        def build(self, shape):
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.calls.assign_add(1.0)
            return x

    model = keras.Sequential([keras.Input((5,)), Counts(), keras.layers.Dense(3)])
    before = float(keras.ops.convert_to_numpy(model.layers[0].calls))
    with pytest.raises(ValueError, match="Class labels must lie in"):
        ScoredNetwork(model, np.ones((4, 5), "float32"), np.arange(4), loss=CROSS_ENTROPY)
    assert float(keras.ops.convert_to_numpy(model.layers[0].calls)) == before
