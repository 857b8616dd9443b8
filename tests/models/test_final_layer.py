"""Which layer is the final one, and what its kernel is: of every kind of classifier, beside the layer known by hand."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_selfmodel as ksm
from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.compression import ScoredNetwork
from keras_selfmodel.probes import NetworkTap

HIDDEN = 5


@keras.saving.register_keras_serializable(package="test")
class CosineLogits(layers.Layer):
    def __init__(self, classes=3, **options):
        super().__init__(**options)
        self.classes = classes

    def build(self, shape):
        self.prototypes = self.add_weight(shape=(shape[-1], self.classes), name="prototypes")
        self.temperature = self.add_weight(shape=(), name="temperature")

    def call(self, x):
        return ops.matmul(x, self.prototypes) * self.temperature


class NormalizingHead(layers.Layer):
    def __init__(self):
        super().__init__()
        self.norm, self.dense = layers.LayerNormalization(axis=(1, 2)), layers.Dense(3)

    def call(self, x):
        return self.dense(self.norm(x))


class OfPlaces(layers.Layer):
    """A number for each place, which is added to it or multiplies it."""

    def __init__(self, name="pos", weight="w", multiplies=False):
        super().__init__(name=name)
        self._weight, self._multiplies = weight, multiplies

    def build(self, shape):
        self.w = self.add_weight(shape=shape[1:], name=self._weight)

    def call(self, x):
        return x * self.w if self._multiplies else x + self.w


class Tied(layers.Layer):
    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding

    def call(self, x):
        return ops.matmul(x, ops.transpose(self.embedding.embeddings))


def of_vectors(*end):
    return keras.Sequential([keras.Input((4,)), layers.Dense(HIDDEN, "relu", name="hidden"), *end])


def of_sequences(*end):
    return keras.Sequential([keras.Input((6, 4)), layers.Dense(HIDDEN, "relu", name="hidden"), *end])


def tied():
    words = keras.Input((6,), dtype="int32")
    embedding = layers.Embedding(9, HIDDEN, name="words")
    return keras.Model(words, Tied(embedding)(layers.Dense(HIDDEN, name="hidden")(embedding(words))))


def softmax_by_hand():
    inputs = keras.Input((4,))
    scores = layers.Dense(3, name="logits")(layers.Dense(HIDDEN, name="hidden")(inputs))
    return keras.Model(inputs, ops.exp(scores) / ops.sum(ops.exp(scores), axis=-1, keepdims=True))


def beside_a_branch_without_weights():
    inputs = keras.Input((4,))
    hidden = layers.Dense(HIDDEN, name="hidden")(inputs)
    return keras.Model(inputs, layers.Add()([layers.Dense(4, name="logits")(hidden), inputs]))


def nested(depth):
    model = of_vectors(layers.Dense(3, name="logits"))
    for _ in range(depth):
        model = keras.Sequential([keras.Input((4,)), layers.Rescaling(0.5), model])
    return model


CASES = {
    "TimeDistributed": (lambda: of_sequences(layers.TimeDistributed(layers.Dense(3))), lambda e: e.layer.kernel),
    "SpectralNormalization": (
        lambda: of_vectors(layers.SpectralNormalization(layers.Dense(3))),
        lambda e: e.layer.kernel,
    ),
    "custom": (lambda: of_vectors(CosineLogits()), lambda e: e.prototypes),
    "EinsumDense": (lambda: of_sequences(layers.EinsumDense("btd,dc->btc", (6, 3))), lambda e: e.kernel),
    "Lambda": (lambda: of_vectors(layers.Dense(3), layers.Lambda(lambda x: 2 * x)), lambda e: e.kernel),
    "separable convolution": (
        lambda: keras.Sequential(
            [keras.Input((8, 8, 4)), layers.Conv2D(HIDDEN, 1, name="hidden"), layers.SeparableConv2D(2, 5)]
        ),
        lambda e: e.pointwise_kernel,
    ),
    "normalizing head": (lambda: of_sequences(NormalizingHead()), lambda e: e.dense.kernel),
    "square custom": (lambda: of_vectors(CosineLogits(HIDDEN)), lambda e: e.prototypes),
    "activation": (lambda: of_vectors(layers.Dense(3), layers.Activation("tanh")), lambda e: e.kernel),
    "pooled": (lambda: of_sequences(layers.Conv1D(3, 2), layers.GlobalAveragePooling1D()), lambda e: e.kernel),
    "LSTM": (lambda: of_sequences(layers.LSTM(3)), lambda e: e.cell.kernel),
    "GRU": (lambda: of_sequences(layers.GRU(3)), lambda e: e.cell.kernel),
    "Bidirectional": (
        lambda: of_sequences(layers.Bidirectional(layers.GRU(3))),
        lambda e: ops.concatenate([e.forward_layer.cell.kernel, e.backward_layer.cell.kernel], -1),
    ),
    "tied": (tied, lambda e: e.embedding.embeddings),
    "softmax by hand": (softmax_by_hand, lambda e: e.kernel),
    "branch without weights": (beside_a_branch_without_weights, lambda e: e.kernel),
    "nested": (lambda: nested(1), lambda e: e.kernel),
    "nested twice": (lambda: nested(2), lambda e: e.kernel),
}


@pytest.mark.parametrize("case", CASES)
def test_the_final_layer_reads_the_hidden_units_and_its_kernel_is_measured(case):
    build, kernel_of = CASES[case]
    model = build()
    graph = ClassifierGraph(model)
    assert graph.features.shape[-1] == HIDDEN
    kernel = ops.convert_to_numpy(kernel_of(graph.final_call.operation))
    assert ksm.weight_spread(model).standard_deviation == pytest.approx(float(np.std(kernel)), rel=1e-5)


def test_weights_between_final_layer_and_scores_are_named_and_the_user_decides():
    model = of_vectors(layers.Dense(3, name="logits"), layers.LayerNormalization(name="norm"))
    with pytest.raises(ValueError, match="which of 'norm', 'logits' is .*output_layer.*'norm' has weights"):
        ksm.weight_spread(model)
    kernel = model.get_layer("logits").get_weights()[0]
    assert ksm.weight_spread(model, "logits").standard_deviation == pytest.approx(float(np.std(kernel)), rel=1e-5)


@pytest.mark.parametrize(
    "last",
    [
        lambda: layers.PReLU(name="pos"),
        lambda: layers.LayerNormalization(axis=(1, 2), name="pos"),
        lambda: OfPlaces(),
        lambda: OfPlaces(weight="bias"),
        lambda: OfPlaces(multiplies=True),
    ],
)
def test_weights_of_several_axes_that_are_no_matrix_are_not_taken_for_the_final_layer(last):
    model = of_sequences(layers.Dense(3, name="logits"), last())
    with pytest.raises(ValueError, match="which of 'pos', 'logits' is .*output_layer"):
        ksm.weight_spread(model)
    with pytest.raises(ValueError, match="which of 'pos', 'logits' is .*output_layer"):
        ksm.SelfModelingModel(model, "hidden")
    kernel = model.get_layer("logits").get_weights()[0]
    assert ksm.weight_spread(model, "logits").standard_deviation == pytest.approx(float(np.std(kernel)), rel=1e-5)


def test_slopes_behind_a_convolution_are_not_taken_for_the_final_layer():
    ends = [layers.Conv2D(4, 3, name="hidden"), layers.Conv2D(1, 3, name="scores"), layers.PReLU(name="slopes")]
    model = keras.Sequential([keras.Input((8, 8, 2)), *ends])
    for around, option in ((ksm.SelfModelingModel, "hidden"), (ksm.models.DropoutModel, 0.5)):
        with pytest.raises(ValueError, match="which of 'slopes', 'scores' is the final layer"):
            around(model, option)


def test_a_layer_made_of_several_is_not_guessed_at():
    class Two(layers.Layer):
        def __init__(self):
            super().__init__(name="two")
            self.first, self.second = layers.Dense(7), layers.Dense(3)

        def call(self, x):
            return self.second(self.first(x))

    with pytest.raises(ValueError, match="'two' is made of several layers"):
        ksm.weight_spread(of_vectors(Two()))


@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.parametrize("end", ["dense", "einsum"])
def test_a_quantized_kernel_is_measured_as_the_numbers_it_stands_for(mode, end):
    last = layers.Dense(30) if end == "dense" else layers.EinsumDense("btd,dhc->bthc", (6, 5, 6))
    model = keras.Sequential([keras.Input((6, 8)), layers.Dense(40, name="hidden"), last])
    # Uneven, so that a scale laid out wrongly shows.
    kernel = last.get_weights()[0] * np.linspace(0.1, 3, last.get_weights()[0].size).reshape(last.kernel.shape)
    last.set_weights([kernel, *last.get_weights()[1:]])
    last.quantize(mode)
    # Steps of 1/127 and 1/7 of a column's largest weight: errors of 0.3 steps, added in quadrature.
    assert ksm.weight_spread(model).standard_deviation == pytest.approx(
        float(np.std(kernel)), rel=1e-3 if mode == "int8" else 0.02
    )


def around_a_classifier(inside):
    """A self-modeling model nested in others, and its classifier, whose last kernel is not that of its head."""
    classifier = of_vectors(layers.Dense(3, name="logits"))
    classifier.set_weights([np.linspace(-1, 1, one.size).reshape(one.shape) for one in classifier.get_weights()])
    inputs, nested = keras.Input((4,)), ksm.SelfModelingModel(classifier, "hidden", name="nested")
    if inside == "functional":
        return keras.Model(inputs, nested(inputs)), classifier
    if inside == "sequential":
        return keras.Sequential([inputs, layers.Rescaling(1.0), nested]), classifier
    deeper = keras.Sequential([keras.Input((4,)), nested], name="deeper")
    return keras.Model(inputs, layers.Activation("linear")(deeper(inputs))), classifier


@pytest.mark.parametrize("inside", ["functional", "sequential", "two deep"])
def test_a_self_modeling_model_at_the_end_is_looked_into(inside):
    model, classifier = around_a_classifier(inside)
    expected = float(np.std(classifier.get_layer("logits").get_weights()[0]))
    assert ksm.weight_spread(model).standard_deviation == pytest.approx(expected, rel=1e-6)
    kernel, bias, last, last_bias = classifier.get_weights()
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    values = NetworkTap(model, ()).read(x)
    features = np.maximum(x @ kernel + bias, 0)
    np.testing.assert_allclose(values.features, features, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(values.scores, features @ last + last_bias, rtol=1e-5, atol=1e-6)


def test_what_trains_a_self_modeling_model_inside_another_calls_it_as_a_whole():
    model, _ = around_a_classifier("functional")
    with pytest.raises(ValueError, match="'nested' is trained by an objective of its own.* as a whole"):
        ksm.models.DropoutModel(model, 0.5)
    assert ksm.models.DropoutModel(model, 0.5, output_layer="nested").output_layer == "nested"


def test_scores_of_a_self_modeling_model_inside_another_are_known_for_logits():
    model, classifier = around_a_classifier("functional")
    # They look like probabilities.
    classifier.set_weights([*classifier.get_weights()[:2], np.zeros((HIDDEN, 3)), np.array([0.0, 0.0, 1.0])])
    x, labels = np.zeros((6, 4), "float32"), np.arange(6) % 3
    answers = ScoredNetwork(model, x, labels, loss=lambda y, scores: ops.sum(scores, axis=-1)).answers()
    expected = np.exp([0, 0, 1]) / np.exp([0, 0, 1]).sum()
    np.testing.assert_allclose(answers.classes.probabilities, np.tile(expected, (6, 1)), rtol=1e-6)


def test_attributes_that_a_model_of_its_own_calls_classifier_and_output_layer_mean_nothing_here():
    inputs = keras.Input((3,))
    first, last = keras.layers.Dense(4, name="hidden"), keras.layers.Dense(2)
    model = keras.Model(inputs, last(first(inputs)))
    model.classifier = model.output_layer = first
    assert ksm.metrics.weight_spread(model).standard_deviation == pytest.approx(last.get_weights()[0].std(), rel=1e-6)
    around = ksm.SelfModelingModel(model, "hidden")
    assert around.classifier is model
    np.testing.assert_array_equal(around.predict(np.ones((2, 3)), verbose=0), model.predict(np.ones((2, 3)), verbose=0))
