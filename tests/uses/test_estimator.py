"""The estimator: L(w*), the loss at the trained weights, on any model and data."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, losses, ops

import keras_selfmodel as ksm
from tests.rlct.quiet import quietly
from tests.rlct.small_data import (
    CLASSES,
    CROSS_ENTROPY,
    NEXT,
    OF_SAMPLES,
    OF_TOKENS,
    TOKENS,
    WORDS,
    N,
    Subclassed,
    T,
    X,
    dense,
    loss_at_anchor,
    tagger,
)
from tests.uses.frame import use

EVALUATE = "L(w*) equals the plain model's `evaluate`, and nothing is warned of"
STEPS = {"seed": 3, "burn_in": 8, "num_draws": 12, "num_chains": 2, "batch_size": 10, "step_size": 1e-3}


def evaluates(model, loss, x, y, weights=None, *, data=None, compiling=None, **arguments) -> None:
    """L(w*) is what `evaluate` gives for the same samples in one batch; `data` is what the estimator gets."""
    model.compile("sgd", loss, run_eagerly=True, **(compiling or {}))
    expected = np.ravel(model.evaluate(x, y, sample_weight=weights, batch_size=N, verbose=0))[0]
    data = data if data is not None else (x, y) if weights is None else (x, y, weights)
    # Some hundred numbers of order one in single precision, added in another order.
    found, problem = loss_at_anchor(model, data, **arguments)
    assert found == pytest.approx(expected, rel=1e-5)
    assert problem.doubts == ()


# Losses


@use("Class numbers", EVALUATE)
def test_class_numbers():
    evaluates(dense(), CROSS_ENTROPY, X, CLASSES)


@use("One sigmoid unit, labels `(n,)`", EVALUATE)
def test_a_sigmoid_unit():
    evaluates(dense(1, "sigmoid"), "binary_crossentropy", X, CLASSES % 2)


@use("Regression, labels `(n,)`", EVALUATE)
def test_regression_of_one_number():
    evaluates(dense(1), "mse", X, X[:, 0])


@use("Regression of three numbers by Huber's loss", EVALUATE)
def test_robust_regression_of_three():
    evaluates(dense(), losses.Huber(), X, X[:, :3])


@use("Several labels of a sample", EVALUATE)
def test_several_labels():
    evaluates(dense(3, "sigmoid"), losses.BinaryCrossentropy(), X, (X[:, :3] > 0).astype(int))


@use("One-hot labels, smoothed, in an estimate", EVALUATE)
def test_smoothed_labels():
    evaluates(dense(), losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2), X, np.eye(3)[CLASSES])


@use("`compile(loss='crossentropy')`", EVALUATE)
def test_a_loss_by_its_short_name():
    evaluates(dense(3, "softmax"), "crossentropy", X, CLASSES)


@use("A function that returns one number for a batch", EVALUATE)
def test_a_function_of_a_batch():
    evaluates(dense(1), lambda y, p: ops.mean(ops.square(y - p)), X, X[:, :1])


@use("Two outputs, in a list or by name, with `loss_weights`", EVALUATE)
def test_two_outputs_of_an_estimate():
    inputs = keras.Input((5,))
    a, b = layers.Dense(3, name="a")(inputs), layers.Dense(1, name="b")(inputs)
    weights = [1.0, 0.3]
    evaluates(
        keras.Model(inputs, [a, b]), [CROSS_ENTROPY, "mse"], X, [CLASSES, X[:, 0]], compiling={"loss_weights": weights}
    )
    by_name = [dict(zip("ab", two, strict=True)) for two in ([a, b], [CROSS_ENTROPY, "mse"], [CLASSES, X[:, 0]])]
    outputs, loss, y = by_name
    evaluates(
        keras.Model(inputs, outputs), loss, X, y, compiling={"loss_weights": dict(zip("ab", weights, strict=True))}
    )


@use("An output with a name of its own, `{'cls': ...}`", EVALUATE)
def test_a_dict_of_one_output():
    inputs = keras.Input((5,))
    evaluates(keras.Model(inputs, {"cls": layers.Dense(3)(inputs)}), {"cls": CROSS_ENTROPY}, X, {"cls": CLASSES})


@use("Outputs in a dict of lists, losses alike", EVALUATE)
def test_nested_outputs():
    inputs = keras.Input((5,))
    a, b, c = (layers.Dense(units)(inputs) for units in (2, 1, 3))
    loss = {"numbers": ["mse", "mae"], "class": CROSS_ENTROPY}
    labels = {"numbers": [X[:, :2], X[:, 0]], "class": CLASSES}
    evaluates(keras.Model(inputs, {"numbers": [a, b], "class": c}), loss, X, labels)


@use("A contrastive loss, or one without `call`", "an error that says what is wanted")
def test_losses_of_no_single_sample():
    class Whole(losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return ops.mean(ops.square(y_pred))

    def contrastive(y, p):
        return ops.logsumexp(ops.matmul(p, ops.transpose(p)), axis=-1)

    for loss, message in ((contrastive, "depends on the other samples"), (Whole(), "has no `call")):
        model = dense()
        model.compile("sgd", loss)
        with pytest.raises(ValueError, match=message):
            loss_at_anchor(model, (X, CLASSES))


# Weights, masks, ignored classes


@use("Sample weights in an estimate", EVALUATE)
def test_sample_weights():
    evaluates(dense(), CROSS_ENTROPY, X, CLASSES, OF_SAMPLES)


@use("`reduction='mean_with_sample_weight'`", EVALUATE)
def test_a_mean_by_weights():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    evaluates(dense(), loss, X, CLASSES, OF_SAMPLES)
    evaluates(tagger(), loss, TOKENS, NEXT, OF_TOKENS)


@use("`class_weight` in an estimate", EVALUATE)
def test_class_weights():
    weights = np.where(CLASSES == 2, 3.0, 1.0)
    evaluates(dense(), CROSS_ENTROPY, X, CLASSES, weights, data=(X, CLASSES), class_weight={2: 3.0})


@use("`ignore_class=-1` in an estimate", EVALUATE)
def test_an_ignored_class():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    evaluates(dense(), loss, X, CLASSES - 1 + (CLASSES > 0))


@use("`ignore_class=0` of words", EVALUATE)
def test_ignored_words():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    evaluates(tagger(masked=False), loss, TOKENS, NEXT)


@use("A function that ignores a class inside", EVALUATE)
def test_a_function_that_ignores_a_class():
    def loss(y, scores):
        return losses.sparse_categorical_crossentropy(y, scores, from_logits=True, ignore_class=-1)

    evaluates(dense(), loss, X, CLASSES - 1 + (CLASSES > 0))


@use("A mask through a GRU, with weights of words", EVALUATE)
def test_a_mask_through_a_gru():
    evaluates(tagger(), CROSS_ENTROPY, TOKENS, NEXT)
    evaluates(tagger(), CROSS_ENTROPY, TOKENS, NEXT, OF_TOKENS)


@use("A mask through attention", EVALUATE)
def test_a_mask_through_attention():
    words = keras.Input((T,), dtype="int32")
    embedded = layers.Embedding(WORDS, 4, mask_zero=True)(words)
    read = layers.MultiHeadAttention(1, 4)(embedded, embedded, use_causal_mask=True)
    evaluates(keras.Model(words, layers.Dense(WORDS)(read)), CROSS_ENTROPY, TOKENS, NEXT)


@use("A segmentation with weights of pixels", EVALUATE)
def test_a_segmentation():
    images, pixels = np.reshape(X[:, :4], (N, 2, 2, 1)), np.random.default_rng(6).integers(0, 3, (N, 2, 2))
    model = keras.Sequential([keras.Input((2, 2, 1)), layers.Conv2D(3, 2, padding="same")])
    evaluates(model, CROSS_ENTROPY, images, pixels, np.random.default_rng(7).random((N, 2, 2)).astype("float32"))


# Models


class Tagger(keras.Model):
    """Its `call` and its `compute_loss` know no `training`, as Keras lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.memory = layers.Embedding(WORDS, 4, mask_zero=True), layers.GRU(4, return_sequences=True)
        self.tags = layers.Dense(WORDS)

    def call(self, tokens):
        return self.tags(self.memory(self.words(tokens)))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return super().compute_loss(x, y, y_pred, sample_weight)


@use("A subclassed model in `estimate_rlct`, with or without `training` and masks", EVALUATE)
def test_a_subclassed_model():
    for model, x, y in ((Subclassed(), X, CLASSES), (Tagger(), TOKENS, NEXT)):
        model(x[:2])
        evaluates(model, CROSS_ENTROPY, x, y)


@use("A `SelfModelingModel` in `estimate_rlct`", "L(w*) equals its classifier's `evaluate`")
def test_a_self_modeling_model():
    classifier = dense()
    model = ksm.SelfModelingModel(classifier, classifier.layers[0].name)
    classifier.compile("sgd", CROSS_ENTROPY, run_eagerly=True)
    model.compile("sgd", CROSS_ENTROPY)
    expected = classifier.evaluate(X, CLASSES, batch_size=N, verbose=0)
    assert loss_at_anchor(model, (X, CLASSES))[0] == pytest.approx(expected, rel=1e-5)


@use("A model that is not compiled and ends in `ops.softmax`", "L(w*) equals that of the logits, in NumPy")
def test_probabilities_without_a_loss():
    model = dense()
    scores = ops.convert_to_numpy(model(X)).astype(np.float64)
    expected = np.mean(np.log(np.exp(scores).sum(-1)) - scores[np.arange(N), CLASSES])
    softmax = keras.Model(model.inputs[0], ops.softmax(model.outputs[0]))
    for one in (model, softmax):
        assert loss_at_anchor(one, (X, CLASSES))[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
@use("A network quantized to int8", "a warning that its kernels are not sampled; with a LoRA, L(w*) equals `evaluate`")
def test_a_quantized_network():
    model = dense()
    model.quantize("int8")
    model.compile("sgd", CROSS_ENTROPY)
    _, problem = loss_at_anchor(model, (X, CLASSES))
    assert "quantized and stay as they are" in problem.doubts[0]
    model.layers[0].enable_lora(2)
    evaluates(model, CROSS_ENTROPY, X, CLASSES)
    # Keras computes what is quantized by gradients of its own, which must reach the chains.
    few = {"num_chains": 2, "num_draws": 4, "burn_in": 4, "batch_size": 8, "step_size": 1e-4, "verbose": 0}
    losses = quietly(model, (X, CLASSES), **few).losses
    assert np.ptp(losses) > 0 and np.all(np.isfinite(losses))


# Sources of data


class Batches(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 5

    def __getitem__(self, i: int):
        part = slice(8 * i, 8 * i + 8)
        return X[part], CLASSES[part], OF_SAMPLES[part]


def of_source(data) -> None:
    evaluates(dense(), CROSS_ENTROPY, X, CLASSES, OF_SAMPLES, data=data)


@use("A `PyDataset` with weights, in an estimate", EVALUATE)
def test_a_pydataset():
    of_source(Batches())


@use("A data set larger than memory, read from a file", EVALUATE)
def test_data_larger_than_memory():
    evaluates(dense(), CROSS_ENTROPY, X, CLASSES, OF_SAMPLES, data=Batches(), memory_limit=100)


@use("A `tf.data.Dataset` with weights, in an estimate", EVALUATE)
def test_a_tf_dataset():
    tf = pytest.importorskip("tensorflow")
    of_source(tf.data.Dataset.from_tensor_slices((X, CLASSES, OF_SAMPLES)).batch(8))


@use("A `DataLoader` with weights, in an estimate", EVALUATE)
def test_a_data_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(*map(torch.from_numpy, (X, CLASSES, OF_SAMPLES)))
    of_source(torch.utils.data.DataLoader(data, batch_size=8))


@use("pandas, in an estimate", EVALUATE)
def test_tables():
    pandas = pytest.importorskip("pandas")
    of_source((pandas.DataFrame(X, columns=list("abcde")), pandas.Series(CLASSES), pandas.Series(OF_SAMPLES)))


@use("A dict of arrays, in an estimate", EVALUATE)
def test_a_dict_of_arrays():
    inputs = {"left": keras.Input((3,), name="left"), "right": keras.Input((2,), name="right")}
    model = keras.Model(inputs, layers.Dense(3)(layers.Concatenate()([inputs["left"], inputs["right"]])))
    evaluates(model, CROSS_ENTROPY, {"right": X[:, 3:], "left": X[:, :3]}, CLASSES)


# Beyond Keras


def of_function(*args) -> ksm.rlct.RLCTEstimate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        return ksm.rlct.estimate_of_function(*args, **STEPS)


def assert_same(ours, theirs) -> None:
    # The same operations and the same noise; some are fused otherwise: single precision through twenty steps.
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-4)
    assert ours.value == pytest.approx(theirs.value, rel=1e-2)


@pytest.fixture(scope="module")
def keras_model_and_estimate():
    model = ksm.models.mlp(5, inputs=5, classes=3, seed=1)
    return model, quietly(model, (X, CLASSES), loss=CROSS_ENTROPY, **STEPS)


@use("A plain function of weights and data", "the estimate equals that of the Keras model, same seed")
def test_a_function(keras_model_and_estimate):
    model, estimate = keras_model_and_estimate

    def of_batch(weights, batch):
        x, y = batch
        kernel, bias, *logits = weights
        scores = ops.matmul(ops.relu(ops.matmul(x, kernel) + bias), logits[0]) + logits[1]
        return ops.sparse_categorical_crossentropy(y, scores, from_logits=True)

    assert_same(of_function(of_batch, model.get_weights(), (X, CLASSES)), estimate)


@use("A `torch.nn.Module`", "the estimate equals that of the Keras model, same seed", backends=["torch"])
def test_a_module_of_torch(keras_model_and_estimate):
    import torch

    model, estimate = keras_model_and_estimate
    kernel, bias, last, last_bias = map(torch.from_numpy, model.get_weights())
    module = torch.nn.Sequential(torch.nn.Linear(5, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    for layer, weight, shift in ((module[0], kernel, bias), (module[2], last, last_bias)):
        layer.weight.data, layer.bias.data = weight.T.contiguous(), shift
    assert_same(quietly(module, (X, CLASSES), loss=torch.nn.CrossEntropyLoss(), **STEPS), estimate)
