"""A loss that names its arguments in another order than it is called with is doubted, and no other."""

import functools
import warnings

import keras
import numpy as np
import pytest
from keras import ops

import keras_selfmodel as ksm
from keras_selfmodel.rlct.losses.argument_order import doubt_about_order
from keras_selfmodel.rlct.losses.sample_loss import SampleLoss
from tests.rlct.small_data import loss_at_anchor

X = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
Y = np.eye(3, dtype="float32")[np.arange(30) % 3]


def network() -> keras.Model:
    return ksm.models.mlp(5, inputs=4, classes=3, seed=1)


def one_sided(outputs, labels):
    """A loss of which the order makes a difference."""
    return ops.mean(labels * ops.softplus(-outputs) + (1 - labels) * ops.softplus(outputs), axis=-1)


def passing_on(function):
    @functools.wraps(function)
    def decorated(*args, **keywords):
        return function(*args, **keywords)

    return decorated


class OutputsFirst(keras.losses.Loss):
    def call(self, y_pred, y_true):
        return one_sided(y_pred, y_true)


class LabelsFirst(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return one_sided(y_pred, y_true)


def doubts(loss, model=None) -> list[str]:
    _, problem = loss_at_anchor(model or network(), (X, Y), loss=loss)
    return [doubt for doubt in problem.doubts if "turn them round" in doubt]


@pytest.mark.parametrize(
    ("loss", "doubted"),
    [
        (lambda y_pred, y_true: one_sided(y_pred, y_true), True),
        (lambda yPred, yTrue: one_sided(yPred, yTrue), True),
        (lambda predicted_labels, true_labels: one_sided(predicted_labels, true_labels), True),
        (lambda forecast, actual: one_sided(forecast, actual), True),
        (lambda preds1, labels1: one_sided(preds1, labels1), True),
        (lambda yp, yt: one_sided(yp, yt), True),
        (lambda p, y: one_sided(p, y), True),
        (lambda y_output, y_target: one_sided(y_output, y_target), True),
        (lambda pred, ref: one_sided(pred, ref), True),
        (lambda scores, gold: one_sided(scores, gold), True),
        (lambda out, classes: one_sided(out, classes), True),
        (lambda predicted_y, expected: one_sided(predicted_y, expected), True),
        (lambda y_data, y_model: one_sided(y_model, y_data), False),
        (lambda p, q: one_sided(q, p), False),
        (functools.partial(lambda output, target, k: one_sided(k * output, target), k=1.0), True),
        (functools.partial(lambda k, output, target: one_sided(k * output, target), 1.0), True),
        (passing_on(functools.partial(lambda k, output, target: one_sided(k * output, target), 1.0)), True),
        (OutputsFirst(), True),
        (OutputsFirst().call, True),
        (LabelsFirst(), False),
        (lambda y_true, y_pred: one_sided(y_pred, y_true), False),
        (lambda true_output, label: one_sided(label, true_output), False),
        (lambda target_logits, logits: one_sided(logits, target_logits), False),
        (lambda a, b: one_sided(b, a), False),
        (lambda y_pred, y_true: ops.mean(ops.square(y_pred - y_true), axis=-1), False),
        (keras.losses.CategoricalCrossentropy(from_logits=True), False),
        ("mse", False),
    ],
)
def test_names_that_contradict_the_order_are_doubted(loss, doubted):
    found = doubts(loss)
    assert len(found) == doubted
    assert all("called with (labels, outputs), but calls its arguments (" in doubt for doubt in found)


def test_the_order_in_which_keras_trained_is_not_doubted():
    model = network()
    model.compile("sgd", lambda y_pred, y_true: one_sided(y_pred, y_true))
    measured, problem = loss_at_anchor(model, (X, Y))
    assert measured == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    assert not problem.doubts


def test_a_loss_that_fails_in_the_other_order_is_doubted():
    def only_of_labels(output, target):
        assert set(np.unique(ops.convert_to_numpy(output))) <= {0.0, 1.0}
        return ops.mean(output * ops.softplus(target), axis=-1)

    # As nothing is recorded, it may look at the values.
    scores = ops.convert_to_tensor(np.random.default_rng(1).normal(size=(30, 3)).astype("float32"))
    (doubt,) = doubt_about_order(SampleLoss(only_of_labels).loss, Y, scores)
    assert "calls its arguments (output, target)" in doubt


def wrong(y_true, y_pred):
    raise AssertionError("never so")


class Failing(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return y_pred + "a"


def not_implemented(y_true, y_pred):
    raise NotImplementedError("not for these")


def asks_for_a_value(y_true, y_pred):
    return ops.mean(y_pred, axis=-1) * float(ops.max(y_true))


needs_no_tracing = pytest.mark.skipif(keras.config.backend() != "torch", reason="the others trace all losses")


@needs_no_tracing
@pytest.mark.parametrize(
    "loss",
    [
        asks_for_a_value,
        # What Keras's own operation does on PyTorch.
        lambda y_true, y_pred: -ops.sum(ops.one_hot(ops.cast(y_true[:, 0], "int32"), 3) * ops.log_softmax(y_pred), -1),
    ],
)
def test_a_loss_that_asks_for_values_is_sampled_chain_by_chain(loss):
    few = {"num_chains": 2, "num_draws": 5, "burn_in": 5, "batch_size": 8, "seed": 1, "verbose": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        assert np.isfinite(ksm.estimate_rlct(network(), (X, Y), loss=loss, **few).value)


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param(asks_for_a_value, marks=pytest.mark.skipif(keras.config.backend() == "torch", reason="it may")),
        lambda y_true, y_pred: ops.mean(asks_for_a_value(y_true, y_pred)),
        lambda y_true, y_pred: ops.mean(y_pred, axis=-1) * np.mean(ops.convert_to_numpy(y_true)),
    ],
)
def test_a_loss_that_asks_for_values_is_told_not_to(loss):
    with pytest.raises(ValueError, match=r"without NumPy and without asking for values, as by float\(...\) or if"):
        ksm.estimate_rlct(network(), (X, Y), loss=loss, num_chains=2, num_draws=5, burn_in=5, batch_size=8, verbose=0)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (
            wrong,
            r"raises AssertionError: never so. The labels have the shape \(30, 3\).* the outputs the shape \(30, 3\)",
        ),
        (lambda y_true, y_pred: {}["key"], r"raises KeyError: 'key'. The labels have the shape"),
        (lambda y_true, y_pred: 1 / 0, "raises ZeroDivisionError: division by zero. The labels"),
        (not_implemented, "raises NotImplementedError: not for these. The labels"),
        (lambda output, target: 1 / 0, r"It calls its arguments \(output, target\). If it takes the outputs first"),
        (
            lambda y_true, y_pred: np.zeros(30),
            r"by keras.ops, not by NumPy. Received: ndarray of shape \(30,\)$",
        ),
        (lambda y_true, y_pred: 0.5, "Received: 0.5 of type float$"),
        (lambda y_true, y_pred: (y_pred, y_pred), "Received: tuple of 2$"),
        (Failing(), "raises [A-Za-z]+Error: .* The labels have the shape"),
        (lambda y_true, y_pred: np.mean((y_true - y_pred) ** 2, axis=-1, where=[True]), "(use|by) keras.ops"),
    ],
)
def test_what_a_loss_raises_is_told_with_what_it_was_called_with(loss, said):
    with pytest.raises(ValueError, match=said):
        doubts(loss)


def test_what_a_compiled_loss_raises_is_told_too():
    model = network()
    model.compile("sgd", lambda y_true, y_pred: ops.matmul(y_true, y_pred[0, 0]))
    with pytest.raises(ValueError, match="The loss is called with .* The labels have the shape"):
        loss_at_anchor(model, (X, Y))


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory"), RuntimeError("you tried to [can't allocate memory]")]
)
def test_memory_that_ends_is_no_fault_of_the_loss(error):
    def without_memory(y_true, y_pred):
        raise error

    with pytest.raises(type(error)) as caught:
        doubts(without_memory)
    assert caught.value is error or isinstance(caught.value, MemoryError)


@pytest.mark.parametrize(
    "loss",
    [
        lambda y_true, y_pred: ops.cast(ops.argmax(y_pred, -1) != ops.argmax(y_true, -1), "float32"),
        lambda y_true, y_pred: ops.mean(ops.square(y_true - ops.stop_gradient(y_pred)), -1),
    ],
)
def test_a_loss_without_a_gradient_is_refused(loss):
    with pytest.raises(
        ValueError, match="The loss changes with the weights, but its gradient is 0, also where it changes"
    ):
        ksm.estimate_rlct(network(), (X, Y), loss=loss, num_chains=2, num_draws=5, burn_in=5, batch_size=8, verbose=0)
