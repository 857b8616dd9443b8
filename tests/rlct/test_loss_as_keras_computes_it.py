"""The loss at w*, where it is not `evaluate`'s or cannot be measured; tests/uses/test_estimator.py has where it is."""

import collections
import functools
import re
import types

import keras
import numpy as np
import pytest
from keras import ops

import keras_selfmodel as ksm
from keras_selfmodel.models.precision import building_in
from keras_selfmodel.rlct.problem import Problem
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

losses, layers = keras.losses, keras.layers


def two_outputs() -> keras.Model:
    inputs = keras.Input((5,))
    a, b = layers.Dense(3, name="a")(inputs), layers.Dense(1, name="b")(inputs)
    return keras.Model(inputs, {"a": a, "b": b})


def subclassed_in_half_precision() -> keras.Model:
    model = Subclassed("mixed_bfloat16")
    model(X[:2])
    return model


def test_mean_over_random_batches_is_the_loss_of_all_data():
    # Where samples have different numbers of tokens, the mean of batches' means is another number.
    model = tagger(masked=True)
    model.compile("sgd", CROSS_ENTROPY)
    found, problem = loss_at_anchor(model, (TOKENS, NEXT))
    halves = [losses.mean() for losses in problem.energy.losses([np.arange(0, N, 2), np.arange(1, N, 2)])]
    assert np.mean(halves) == pytest.approx(found, rel=1e-6)
    assert halves[0] != pytest.approx(halves[1], rel=1e-3)


@pytest.mark.parametrize(
    "softmax", [layers.Lambda(lambda t: ops.softmax(t)), layers.Activation("softmax"), layers.Softmax()]
)
def test_probabilities_of_a_model_without_a_loss_are_not_read_as_logits(softmax):
    inputs = keras.Input((5,))
    scores = layers.Dense(3)(inputs)
    expected, _ = loss_at_anchor(keras.Model(inputs, scores), (X, CLASSES))
    found, problem = loss_at_anchor(keras.Model(inputs, softmax(scores)), (X, CLASSES))
    assert found == pytest.approx(expected, rel=1e-5)
    assert "outputs probabilities" in problem.loss


def test_units_of_a_model_without_a_loss_are_read_by_their_labels():
    for model, y, expected in (
        (dense(1, "sigmoid"), CLASSES % 2, losses.BinaryCrossentropy()),
        (dense(1), CLASSES % 2, losses.BinaryCrossentropy(from_logits=True)),
        (dense(3, "sigmoid"), X[:, :3] > 0, losses.BinaryCrossentropy()),
        (dense(3, "softmax"), np.eye(3)[CLASSES], losses.CategoricalCrossentropy()),
        (dense(1), X[:, 0], losses.MeanSquaredError()),
    ):
        value = float(ops.convert_to_numpy(expected(np.reshape(y, (N, -1)).astype("float32"), model(X))))
        found, problem = loss_at_anchor(model, (X, y))
        assert found == pytest.approx(value, rel=1e-5)
        assert bool(problem.doubts) == isinstance(expected, losses.MeanSquaredError)


class TestWhatIsNotEvaluatesLossIsSaid:
    def test_regularization(self):
        model = keras.Sequential([keras.Input((5,)), layers.Dense(3, kernel_regularizer="l2")])
        model.compile("sgd", CROSS_ENTROPY)
        assert "regularization terms" in loss_at_anchor(model, (X, CLASSES))[1].doubts[0]

    def test_a_sum_over_the_batch(self):
        model = dense(3)
        model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"))
        found, problem = loss_at_anchor(model, (X, CLASSES))
        assert found == pytest.approx(model.evaluate(X, CLASSES, batch_size=N, verbose=0) / N, rel=1e-5)
        assert "reduction='sum'" in problem.doubts[0]

    def test_a_sum_with_weights(self):
        model, weights = dense(3), np.linspace(0.1, 2, N).astype("float32")
        model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"))
        found, problem = loss_at_anchor(model, (X, CLASSES, weights))
        wanted = model.evaluate(X, CLASSES, sample_weight=weights, batch_size=N, verbose=0) / N
        assert found == pytest.approx(wanted, rel=1e-5)
        assert "sum over its entries" in problem.doubts[0]

    @pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 4)])
    def test_weights_that_keras_would_take_for_those_of_other_axes_are_refused(self, shape):
        """As many samples as rows and columns, so that Keras itself computes something."""
        x = np.random.default_rng(5).normal(size=(4, 4, 4, 2)).astype("float32")
        y = np.random.default_rng(6).integers(0, 3, (4, 4, 4))
        model = keras.Sequential([keras.Input((4, 4, 2)), layers.Dense(3)])
        model.compile("sgd", CROSS_ENTROPY)
        with pytest.raises(
            ValueError, match=r"shape of the losses, \(batch, 4, 4\), or for each sample \(batch, 1, 1\)"
        ):
            loss_at_anchor(model, (x, y, np.ones(shape, "float32")))

    def test_weights_of_rows_are_those_of_their_pixels(self):
        x = np.random.default_rng(5).normal(size=(4, 4, 4, 2)).astype("float32")
        y = np.random.default_rng(6).integers(0, 3, (4, 4, 4))
        weights = np.random.default_rng(7).random((4, 4, 1)).astype("float32")
        model = keras.Sequential([keras.Input((4, 4, 2)), layers.Dense(3)])
        model.compile("sgd", CROSS_ENTROPY)
        found, problem = loss_at_anchor(model, (x, y, weights))
        every_pixel = np.broadcast_to(weights, y.shape)
        wanted = model.evaluate(x, y, sample_weight=every_pixel, batch_size=4, verbose=0)
        assert found == pytest.approx(wanted, rel=1e-5) and not problem.doubts

    def test_a_sum_over_the_entries_of_each_sample(self):
        sequences = np.random.default_rng(4).normal(size=(N, 4, 2)).astype("float32")
        model = keras.Sequential([keras.Input((4, 2)), layers.Dense(2)])
        model.compile("sgd", losses.MeanSquaredError(reduction="sum"))
        found, problem = loss_at_anchor(model, (sequences, sequences))
        assert found == pytest.approx(model.evaluate(sequences, sequences, batch_size=N, verbose=0) / N, rel=1e-5)
        assert "sum over its entries" in problem.doubts[0]

    def test_a_compute_loss_of_the_models_own(self):
        class Doubled(keras.Sequential):
            def compute_loss(self, *args, **kwargs):
                return 2 * super().compute_loss(*args, **kwargs)

        model = Doubled([keras.Input((5,)), layers.Dense(3)])
        model.compile("sgd", CROSS_ENTROPY)
        assert "compute_loss gives" in " ".join(quietly(model, (X, CLASSES), burn_in=2, num_draws=4).warnings)


def own_test(model: keras.Model, *arguments):
    """A step as each backend's guides write it; its loss is `model.own`."""
    x, y = arguments[-1]
    if keras.backend.backend() != "jax":
        return {"loss": model.own(y, model(x))}
    state = arguments[0]
    outputs, _ = model.stateless_call(*state[:2], x, training=False)
    return {"loss": model.own(y, outputs)}, state


class OwnSteps(keras.Sequential):
    def test_step(self, *arguments):
        return own_test(self, *arguments)


class TestStepsOfTheModelsOwn:
    def doubts(self, steps: type, own, loss) -> str:
        model = steps([keras.Input((5,)), layers.Dense(3)])
        model.own = own
        model.compile("sgd", loss)
        return " ".join(loss_at_anchor(model, (X, CLASSES))[1].doubts)

    def test_another_loss_of_its_test_step_is_doubted(self):
        said = self.doubts(OwnSteps, lambda y, scores: 3 * CROSS_ENTROPY(y, scores), CROSS_ENTROPY)
        assert "by the model's own test_step; measured is" in said

    def test_the_same_loss_is_not(self):
        assert not self.doubts(OwnSteps, CROSS_ENTROPY, CROSS_ENTROPY)

    def test_the_metrics_are_as_they_were(self):
        model = OwnSteps([keras.Input((5,)), layers.Dense(3)])
        model.own = CROSS_ENTROPY
        model.compile("sgd", CROSS_ENTROPY, metrics=["accuracy"])
        keras.Sequential.fit(model, X, CLASSES, epochs=1, verbose=0)
        before = {metric.name: float(metric.result()) for metric in model.metrics if metric.name == "loss"}
        loss_at_anchor(model, (X, CLASSES))
        after = {metric.name: float(metric.result()) for metric in model.metrics if metric.name == "loss"}
        assert before and after == before

    def test_a_test_step_that_cannot_be_run_leaves_the_model_as_it_was(self):
        class Raises(keras.Sequential):
            def test_step(self, *arguments):
                raise KeyError("images")

        model = Raises([keras.Input((5,)), layers.BatchNormalization(), layers.Dense(3)])
        model.compile("sgd", CROSS_ENTROPY)
        before = model.predict(X, verbose=0)
        assert loss_at_anchor(model, (X, CLASSES))[1].doubts == ()
        np.testing.assert_array_equal(model.predict(X, verbose=0), before)

    @pytest.mark.parametrize("loss", [None, CROSS_ENTROPY])
    def test_a_train_step_that_knows_nothing_of_keras_loss_is_doubted(self, loss):
        class Trains(keras.Sequential):
            def train_step(self, *arguments):
                x, y = arguments[-1]
                return {"loss": keras.ops.mean(keras.ops.square(self(x)[:, 0] - y))}

        assert "own train_step calls no compute_loss" in self.doubts(Trains, None, loss)

    def test_one_that_calls_it_is_not(self):
        class Accumulates(keras.Sequential):
            def train_step(self, *arguments):
                def loss(x, y):
                    return self.compute_loss(x, y, self(x))

                return loss(*arguments)

        class Helped(keras.Sequential):
            def train_step(self, *arguments):
                return self.loss_of(*arguments)

            def loss_of(self, x, y):
                return self._compute_loss(x, y, self(x))

        def decorated(step):
            @functools.wraps(step)
            def wrapper(*arguments):
                return step(*arguments)

            return wrapper

        class Decorated(keras.Sequential):
            @decorated
            def train_step(self, *arguments):
                return self.compute_loss(*arguments)

        class Calls(keras.Sequential):
            def train_step(self, *arguments):
                return super().train_step(*arguments)

        assert [self.doubts(one, None, CROSS_ENTROPY) for one in (Accumulates, Helped, Decorated, Calls)] == [""] * 4


def compiled(kind: type = keras.Sequential, **of_kernel) -> keras.Model:
    model = kind([keras.Input((5,)), layers.Dense(3, **of_kernel)])
    model.compile("sgd", CROSS_ENTROPY)
    return model


def doubts_of(model: keras.Model) -> str:
    return " ".join(loss_at_anchor(model, (X, CLASSES))[1].doubts)


class TestWhereverAModelComputesItsOwn:
    """Methods that are set on a model, beside regularization, in half precision and around a classifier."""

    @pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "bfloat16"])
    def test_in_any_precision(self, precision):
        class Doubles(keras.Sequential):
            def compute_loss(self, *args, **kwargs):
                return 2 * super().compute_loss(*args, **kwargs)

        class Tests(OwnSteps):
            def own(self, y, scores):
                return 3 * CROSS_ENTROPY(y, scores)

        class TestsTheSame(OwnSteps):
            def own(self, y, scores):
                return CROSS_ENTROPY(y, scores)

        with building_in(precision):
            doubled, tested, same = (compiled(kind) for kind in (Doubles, Tests, TestsTheSame))
        twice = 2 * loss_at_anchor(doubled, (X, CLASSES))[0]
        said = doubts_of(doubled)
        assert float(said.split("compute_loss gives ")[1].split()[0]) == pytest.approx(twice, rel=0.02)
        assert "by the model's own test_step" in doubts_of(tested) and not doubts_of(same)

    def test_set_on_the_model_itself(self):
        def doubled(self, *args, **kwargs):
            return 2 * keras.Sequential.compute_loss(self, *args, **kwargs)

        def trained(self, *arguments):
            return {"loss": keras.ops.mean(self(arguments[-1][0]))}

        for name, method, said in (
            ("compute_loss", doubled, "compute_loss gives"),
            ("test_step", own_test, "by the model's own test_step"),
            ("train_step", trained, "own train_step calls no compute_loss"),
        ):
            model = compiled()
            model.own = lambda y, scores: 3 * CROSS_ENTROPY(y, scores)
            setattr(model, name, types.MethodType(method, model))
            assert said in doubts_of(model)

    @pytest.mark.parametrize(("times", "adds"), [(3, False), (1, False), (1, True)])
    def test_beside_regularization(self, times, adds):
        model = compiled(OwnSteps, kernel_regularizer=keras.regularizers.L2(0.5))
        added = float(keras.ops.convert_to_numpy(model.losses[0])) if adds else 0.0
        model.own = lambda y, scores: times * CROSS_ENTROPY(y, scores) + added
        said = doubts_of(model)
        assert ("by the model's own test_step" in said) == (times == 3)
        assert ("evaluate adds regularization terms" in said) == (times == 1)

    def test_one_that_leaves_regularization_out_is_measured_as_it_is(self):
        class LeavesOut(keras.Sequential):
            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                return self.loss(y, y_pred)

        assert not doubts_of(compiled(LeavesOut, kernel_regularizer=keras.regularizers.L2(0.5)))

    def test_around_a_classifier(self):
        class Around(ksm.SelfModelingModel):
            def test_step(self, *arguments):
                return own_test(self, *arguments)

        class AsBefore(ksm.SelfModelingModel):
            def test_step(self, *arguments):
                return super().test_step(*arguments)

        for kind, doubted in ((Around, True), (AsBefore, False)):
            hidden = layers.Dense(4, name="hidden")
            model = kind(keras.Sequential([keras.Input((5,)), hidden, layers.Dense(3)]), targets=["hidden"])
            model.own = lambda y, scores: 3 * CROSS_ENTROPY(y, scores)
            model.compile("sgd", CROSS_ENTROPY)
            assert ("by the model's own test_step" in doubts_of(model)) == doubted

    @pytest.mark.parametrize(("times", "doubted"), [(5, True), (1, False)])
    def test_a_compute_loss_around_a_classifier(self, times, doubted):
        class Around(ksm.SelfModelingModel):
            def compute_loss(self, *arguments, **keywords):
                return times * super().compute_loss(*arguments, **keywords)

        hidden = layers.Dense(4, name="hidden")
        model = Around(keras.Sequential([keras.Input((5,)), hidden, layers.Dense(3)]), targets=["hidden"])
        model.compile("sgd", CROSS_ENTROPY)
        assert ("compute_loss gives" in doubts_of(model)) == doubted

    def test_a_distiller_is_compared_with_what_it_computes(self):
        from keras.distillation import Distiller, LogitsDistillation

        teacher, student = compiled(), compiled()
        model = Distiller(teacher, student, LogitsDistillation(), student_loss_weight=0.5)
        model.compile("sgd", CROSS_ENTROPY)
        model(X)
        said = re.search(r"computes one of its own, (\S+) for", doubts_of(model))
        wanted = model.evaluate(X, CLASSES, batch_size=N, verbose=0, return_dict=True)["loss"]
        assert float(said[1]) == pytest.approx(wanted, rel=1e-4)

    def test_a_loss_read_in_an_inner_function(self):
        class Inner(keras.Sequential):
            def train_step(self, *arguments):
                x, y = arguments[-1]

                def computed(outputs):
                    return self.loss(y, outputs)

                return {"loss": computed(self(x))}

        assert not doubts_of(compiled(Inner))

    def test_a_train_step_that_has_the_loss_from_elsewhere(self):
        class Helper:
            def loss(self, model, x, y):
                return model.compute_loss(x, y, model(x))

        class Static(keras.Sequential):
            def train_step(self, *arguments):
                return self.loss_of(self, *arguments)

            @staticmethod
            def loss_of(model, x, y):
                return model.compute_loss(x, y, model(x))

        class OfTheClass(Static):
            @classmethod
            def loss_of(cls, model, x, y):
                return model.compute_loss(x, y, model(x))

        class Property(Static):
            @property
            def loss_of(self):
                return self.compute_loss

        class Helped(keras.Sequential):
            def train_step(self, *arguments):
                return self.helper.loss(self, *arguments)

        class Compiled(keras.Sequential):
            def train_step(self, *arguments):
                x, y = arguments[-1]
                return {"loss": self.loss(y, self(x))}

        for kind in (Static, OfTheClass, Property, Helped, Compiled):
            model = compiled(kind)
            model.helper = Helper()
            assert not doubts_of(model), kind.__name__


@pytest.mark.parametrize("names", [False, True])
def test_an_output_without_weights_counts_as_of_weights_of_one(names):
    inputs = keras.Input((T,), dtype="int32")
    embedded = layers.Embedding(WORDS, 4)(inputs)
    outputs = {"next": layers.Dense(WORDS, name="next")(embedded), "first": layers.Dense(1, name="first")(embedded)}
    parts = [losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"), "mse"]
    y, weights = [NEXT, TOKENS[..., None].astype("float32")], [OF_TOKENS, None]
    ones = [OF_TOKENS, np.ones_like(OF_TOKENS)]

    def given(values):
        return dict(zip(outputs, values, strict=True)) if names else values

    model = keras.Model(inputs, given(list(outputs.values())))
    model.compile("sgd", given(parts))
    expected = model.evaluate(TOKENS, given(y), sample_weight=given(ones), batch_size=N, verbose=0)[0]
    missing = [given(weights)] + ([{"next": OF_TOKENS}] if names else [])
    for some in missing:
        found, problem = loss_at_anchor(model, (TOKENS, given(y), some))
        # Some hundred numbers of order one in single precision, added in another order.
        assert found == pytest.approx(expected, rel=1e-5) and not problem.doubts
    batches = [
        (TOKENS[i : i + 20], given([a[i : i + 20] for a in y]), given([OF_TOKENS[i : i + 20], None])) for i in (0, 20)
    ]
    found, _ = loss_at_anchor(model, collections.UserList(batches))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("model", "data", "arguments", "message"),
    [
        (lambda: None, (X, CLASSES), {}, "model must be"),
        (Subclassed, (X, CLASSES), {}, "call it on a batch"),
        (lambda: dense(3), (X, CLASSES + 0.5), {}, "whole numbers. Received: labels such as 0.5"),
        (lambda: dense(3), (X + 1j, CLASSES), {}, "real numbers.*complex"),
        (lambda: dense(3), (X, CLASSES.astype(str)), {}, "real numbers"),
        (lambda: two_outputs(), (X, {"a": CLASSES, "b": X[:, 0]}), {}, "2 outputs and no loss"),
        (lambda: dense(1), (X, X[:, :1]), {"loss": lambda y, p: ops.sum(ops.square(y - p))}, "one number for a batch"),
        (lambda: tagger(masked=False), (TOKENS, NEXT, OF_SAMPLES), {"loss": CROSS_ENTROPY}, "shape of the losses"),
        (lambda: dense(3), (X, CLASSES, OF_SAMPLES), {"class_weight": {0: 2.0}}, "either sample weights or"),
        (lambda: dense(3), (X, CLASSES, 0 * OF_SAMPLES), {"loss": CROSS_ENTROPY}, "no loss to measure"),
        (lambda: dense(3), (X, np.eye(3)[CLASSES]), {"loss": CROSS_ENTROPY}, "labels are one-hot.*np.argmax"),
        (lambda: tagger(masked=False), (TOKENS, NEXT), {"class_weight": {1: 2.0}}, "these labels have several"),
        (subclassed_in_half_precision, (X, CLASSES), {"loss": CROSS_ENTROPY}, "dtype policy 'float32'.*set_weights"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(model, data, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Problem.of(model(), data, training=False, **arguments)


def test_a_loss_that_grows_with_the_batch_is_refused_by_its_shape():
    model = dense(1)
    model.compile("sgd", lambda y, outputs: ops.square(y - outputs[:, 0]))
    with pytest.raises(ValueError, match=rf"number for each sample.*shape \({len(X)}, {len(X)}\) for {len(X)} samples"):
        ksm.estimate_rlct(model, (X, X[:, 0]), verbose=0)


@pytest.mark.parametrize("axis", [-1, None], ids=["each sample", "one number"])
def test_a_random_loss_is_refused_as_random(axis):
    noise = keras.random.SeedGenerator(1)
    model = dense(1)
    model.compile("sgd", lambda y, p: ops.mean(ops.square(y - p) + keras.random.normal((1, 1), seed=noise), axis=axis))
    with pytest.raises(ValueError, match="The loss is random"):
        ksm.estimate_rlct(model, (X, X[:, :1]), verbose=0)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="needs functions of PyTorch")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_function_compiled_by_torchscript_is_measured_as_it_is_evaluated():
    import torch

    def squares(y, outputs):
        return torch.mean((y - outputs) ** 2, dim=-1)

    model = dense(2)
    model.compile("sgd", torch.jit.script(squares))
    estimate = quietly(model, (X, X[:, :2]), num_draws=4, burn_in=2, num_chains=1)
    assert estimate.initial_loss == pytest.approx(model.evaluate(X, X[:, :2], verbose=0), rel=1e-5)
    model.compile("sgd", torch.jit.script(torch.nn.functional.mse_loss))
    with pytest.raises(ValueError, match="the other way round"):
        ksm.estimate_rlct(model, (X, X[:, :2]), verbose=0)


def test_losses_that_take_the_outputs_first_are_refused_for_keras_models():
    torch = pytest.importorskip("torch")
    for loss in (torch.nn.CrossEntropyLoss(), torch.nn.functional.cross_entropy):
        with pytest.raises(ValueError, match=r"called with \(labels, outputs\).*of torch"):
            Problem.of(dense(3), (X, CLASSES), loss, training=False)


def test_methods_of_such_losses_are_refused_as_the_losses_are():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="of torch"):
        Problem.of(dense(3), (X, CLASSES), torch.nn.CrossEntropyLoss().forward, training=False)


class WithAClassifierOfItsOwn(keras.Model):
    def __init__(self, last):
        super().__init__()
        self.hidden, self.classifier = layers.Dense(5, activation="tanh"), last

    def call(self, x):
        return self.classifier(self.hidden(x))


@pytest.mark.parametrize("last", [lambda: layers.Dense(3), lambda: dense(3)])
def test_an_attribute_named_classifier_of_any_other_model_is_a_part_of_it(last):
    model = WithAClassifierOfItsOwn(last())
    model(X[:2])
    model.compile("sgd", CROSS_ENTROPY)
    found, problem = loss_at_anchor(model, (X, CLASSES))
    assert found == pytest.approx(model.evaluate(X, CLASSES, batch_size=N, verbose=0), rel=1e-6)
    assert problem.energy.num_parameters == model.count_params()


def test_a_head_inside_another_model_is_no_part_of_the_network():
    classifier = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="hidden"), layers.Dense(3)])
    outer = keras.Sequential([keras.Input((5,)), ksm.SelfModelingModel(classifier, "hidden")])
    outer.compile("sgd", CROSS_ENTROPY)
    found, problem = loss_at_anchor(outer, (X, CLASSES))
    assert found == pytest.approx(outer.evaluate(X, CLASSES, batch_size=N, verbose=0), rel=1e-6)
    assert problem.energy.num_parameters == classifier.count_params() < outer.count_params()


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": functools.partial(losses.sparse_categorical_crossentropy, from_logits=True)},
        {"loss": CROSS_ENTROPY, "metrics": [functools.partial(losses.sparse_categorical_crossentropy)]},
    ],
)
def test_what_keras_cannot_store_is_measured_as_it_is_evaluated(settings):
    model = dense(3)
    model.compile("sgd", **settings)
    found, _ = loss_at_anchor(model, (X, CLASSES))
    evaluated = model.evaluate(X, CLASSES, batch_size=N, verbose=0)
    assert found == pytest.approx(evaluated[0] if "metrics" in settings else evaluated, rel=1e-6)


class OfItsOwnLoss(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return 5 * ops.mean((y_pred - x[:, :3]) ** 2)


class AddedLoss(layers.Layer):
    def call(self, x):
        self.add_loss(3 * ops.mean(x**2))
        return x


def of_its_own_loss() -> keras.Model:
    inputs = keras.Input((5,))
    return OfItsOwnLoss(inputs, layers.Dense(3)(inputs))


@pytest.mark.parametrize("build", [of_its_own_loss, lambda: keras.Sequential([dense(3), AddedLoss()])])
def test_a_model_compiled_without_a_loss_that_computes_one_of_its_own_is_doubted(build):
    model = build()
    model.compile("sgd")
    found, problem = loss_at_anchor(model, (X, CLASSES))
    evaluated = model.evaluate(X, CLASSES, batch_size=N, verbose=0)
    assert found != pytest.approx(evaluated, rel=0.01)
    (doubt,) = problem.doubts
    said = re.search(r"no loss from compile and computes one of its own, (\S+) for", doubt)
    assert said and float(said[1]) == pytest.approx(evaluated, rel=1e-5)  # It has six digits.


def test_model_is_left_as_it_was():
    inner = [layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.5)]
    model = keras.Sequential([keras.Input((5,)), *inner, layers.Dense(3)])
    model.compile("sgd", CROSS_ENTROPY, metrics=["accuracy"])
    model.fit(X, CLASSES, verbose=0)
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    before = [ops.convert_to_numpy(v) for v in variables]
    loss_at_anchor(model, (X, CLASSES))
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value)


@pytest.mark.any_backend
def test_fewer_samples_than_a_default_batch_are_one_batch():
    settings = ksm.rlct.SamplingSettings(burn_in=2, num_draws=4)
    assert quietly(dense(3), (X, CLASSES), settings=settings).settings.batch_size == N
    with pytest.raises(ValueError, match="batch_size=512 with 40 samples"):
        ksm.estimate_rlct(dense(3), (X, CLASSES), batch_size=512)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="wraps modules of PyTorch")
def test_a_sequential_model_of_wrapped_modules_is_measured_without_their_shapes():
    torch = pytest.importorskip("torch")
    wrapped = [layers.TorchModuleWrapper(torch.nn.Linear(*sizes)) for sizes in ((5, 4), (4, 3))]
    model = keras.Sequential([keras.Input((5,)), *wrapped])
    model.compile("sgd", CROSS_ENTROPY)
    assert loss_at_anchor(model, (X, CLASSES))[0] == pytest.approx(model.evaluate(X, CLASSES, verbose=0), rel=1e-5)
    with pytest.raises(ValueError, match=r"a TorchModuleWrapper needs .* such as output_shape=\(None, 10\)"):
        ksm.weight_spread(model)


def test_dropout_in_training_mode_is_that_of_the_seed_and_leaves_random_numbers_alone():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.Dropout(0.5), layers.Dense(3)])
    few = {"convention": "paper", "num_chains": 2, "num_draws": 5, "burn_in": 5, "batch_size": 8, "verbose": 0}
    following = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        estimate = quietly(model, (X, CLASSES), loss=CROSS_ENTROPY, seed=7, **few)
        following.append((estimate.losses, random_number()))
        keras.utils.set_random_seed(seed)
        assert random_number() == following[-1][1]
    np.testing.assert_array_equal(following[0][0], following[2][0])


def random_number() -> float:
    """From the generator that the backend's dropout draws from."""
    if keras.config.backend() == "torch":
        import torch

        return float(torch.rand(()))
    return float(keras.random.uniform(()))
