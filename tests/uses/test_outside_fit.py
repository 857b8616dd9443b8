"""Outside `fit`: custom steps, custom loops, parts of other models."""

import importlib

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm
from tests.uses.frame import use
from tests.uses.plain_keras import array, mean_square

ops = keras.ops
BACKEND = keras.config.backend()
RATE, AW = 0.1, 2.0


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(12, 6)).astype("float32"), rng.integers(0, 3, 12)


def cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def model_of(cls=ksm.SelfModelingModel, **kwargs):
    return cls(ksm.models.mlp(8, inputs=6, classes=3, seed=1), "hidden", AW, seed=2, **kwargs)


def compiled(model, **kwargs):
    model.compile(keras.optimizers.SGD(RATE), loss=cross_entropy(), **kwargs)
    return model


def after_fit(steps: int = 1) -> list[np.ndarray]:
    """The weights that `fit` gives."""
    model, (x, y) = compiled(model_of(), run_eagerly=True), data()
    model.fit(x, y, batch_size=12, epochs=steps, shuffle=False, verbose=0)
    return model.trainable_variables


def assert_as_after_fit(model, steps: int = 1) -> None:
    for ours, theirs in zip(model.trainable_variables, after_fit(steps), strict=True):
        np.testing.assert_allclose(array(ours), array(theirs), atol=1e-6)


def auxiliary(model) -> float:
    outputs = model.joint_outputs(ops.convert_to_tensor(data()[0]))
    return mean_square(array(outputs["self_prediction"]) - array(outputs["target"]))


def jax_step(self, state, batch, loss_and_state):
    import jax

    trainable, non_trainable, optimizer, metrics = state
    (loss, non_trainable), gradients = jax.value_and_grad(loss_and_state, has_aux=True)(trainable, non_trainable)
    trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
    return {"loss": loss}, (trainable, non_trainable, optimizer, metrics)


def tensorflow_step(model, x, loss_of) -> dict:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = loss_of(model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply(gradients, model.trainable_variables)
    return {"loss": loss}


def torch_step(model, x, loss_of) -> dict:
    import torch

    model.zero_grad()
    loss = loss_of(model(x, training=True))
    loss.backward()
    with torch.no_grad():
        model.optimizer.apply([v.value.grad for v in model.trainable_variables], model.trainable_variables)
    return {"loss": loss}


class GuideStep(ksm.SelfModelingModel):
    """`train_step` as Keras's guides write it for each backend."""

    def train_step(self, *args):
        *state, (x, y) = args
        if BACKEND != "jax":
            step = tensorflow_step if BACKEND == "tensorflow" else torch_step
            return step(self, x, lambda scores: self.compute_loss(x=x, y=y, y_pred=scores))

        def loss_and_state(trainable, non_trainable):
            scores, non_trainable = self.stateless_call(trainable, non_trainable, x, training=True)
            return self.compute_loss(x, y, scores), non_trainable

        return jax_step(self, state[0], (x, y), loss_and_state)


class LossLeftOut(ksm.SelfModelingModel):
    """A `train_step` that computes a loss of its own and forgets `self.losses`."""

    def train_step(self, *args):
        *state, (x, y) = args
        if BACKEND != "jax":
            step = tensorflow_step if BACKEND == "tensorflow" else torch_step
            return step(self, x, lambda scores: cross_entropy()(y, scores))

        def loss_and_state(trainable, non_trainable):
            scores, non_trainable = self.stateless_call(trainable, non_trainable, x, training=True)
            return cross_entropy()(y, scores), non_trainable

        return jax_step(self, state[0], (x, y), loss_and_state)


@use("`model.losses` after `model(x, training=True)`", "AW · mean square of the errors, in NumPy")
def test_losses_contain_the_auxiliary_loss():
    model = model_of()
    model(data()[0], training=True)
    (loss,) = model.losses
    assert float(array(loss)) == pytest.approx(AW * auxiliary(model), rel=1e-5)


@use("`model.losses` after `model(x)`", "empty, and the scores are the classifier's, bit for bit")
def test_inference_adds_no_loss():
    model, (x, _) = model_of(), data()
    model(x, training=True)
    np.testing.assert_array_equal(array(model(x)), array(model.classifier(x)))
    assert model.losses == []


@use("`model.losses` with a regularized layer", "the penalty, and AW · auxiliary loss, each once")
def test_losses_contain_each_once():
    first = keras.layers.Dense(4, name="hidden", kernel_regularizer="l2")
    model = ksm.SelfModelingModel(keras.Sequential([keras.Input((6,)), first, keras.layers.Dense(3)]), "hidden", AW)
    model(data()[0], training=True)
    found = sorted(float(array(loss)) for loss in model.losses)
    assert found == pytest.approx(sorted([0.01 * np.sum(array(first.kernel) ** 2), AW * auxiliary(model)]), rel=1e-5)


@use("Part of another model, `keras.Model(i, model(i))`", "`fit` of the outer model gives the weights of `fit`")
def test_part_of_another_model():
    model, (x, y) = model_of(), data()
    inputs = keras.Input((6,))
    outer = compiled(keras.Model(inputs, model(inputs)))
    outer.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0)
    assert_as_after_fit(model, 2)


@use("A student of `keras.distillation.Distiller`", "with all weight on the labels, the weights of `fit`")
def test_student_of_a_distiller():
    (x, y), student = data(), model_of()
    distillation = keras.distillation
    teacher = ksm.models.mlp(4, inputs=6, classes=3, seed=5)
    distiller = distillation.Distiller(
        teacher=teacher,
        student=student,
        distillation_losses=distillation.LogitsDistillation(),
        student_loss_weight=1.0,
    )
    distiller.compile(keras.optimizers.SGD(RATE), loss=cross_entropy())
    distiller.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0)
    assert_as_after_fit(student, 2)


@use("`train_step` as Keras's guides write it", "the weights of `fit`")
def test_train_step_of_the_guides():
    model, (x, y) = compiled(model_of(GuideStep)), data()
    model.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0)
    assert_as_after_fit(model, 2)


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
@use("A `train_step` that leaves the auxiliary loss out", "an error, not a plain classifier")
def test_a_train_step_that_forgets_the_losses():
    model, (x, y) = compiled(model_of(LossLeftOut)), data()
    with pytest.raises(RuntimeError, match="train_step leaves the auxiliary loss out"):
        model.fit(x, y, batch_size=12, verbose=0)


@use("`train_step` by `stateless_compute_loss`", "the weights of `fit`", backends=["jax"])
def test_train_step_by_stateless_compute_loss():
    class Stateless(ksm.SelfModelingModel):
        def train_step(self, state, batch):
            x, y = batch
            metrics = state[3]

            def loss_and_state(trainable, non_trainable):
                scores, changed, _ = self.stateless_call(trainable, non_trainable, x, training=True, return_losses=True)
                loss, _ = self.stateless_compute_loss(
                    trainable, non_trainable, metrics, x=x, y=y, y_pred=scores, training=True
                )
                return loss, changed

            return jax_step(self, state, batch, loss_and_state)

    model, (x, y) = compiled(model_of(Stateless)), data()
    model.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0)
    assert_as_after_fit(model, 2)


@use("An overridden `compute_loss`", "`loss` is the sum of the parts and what it adds to the class scores")
def test_an_overridden_compute_loss():
    class Small(ksm.SelfModelingModel):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            loss = super().compute_loss(x, y, y_pred, sample_weight, training)
            return loss + 0.01 * ops.mean(ops.square(y_pred))

    model, (x, y) = compiled(model_of(Small), run_eagerly=True), data()
    more = 0.01 * np.mean(model.predict(x, verbose=0) ** 2)
    logs = model.train_on_batch(x, y, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["task_loss"] + AW * logs["self_prediction_loss"] + more, rel=1e-5)


@use("A `compute_loss` written anew with `self.losses`", "`loss` contains AW · auxiliary loss; no part is invented")
def test_a_compute_loss_written_anew():
    class Anew(ksm.SelfModelingModel):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(cross_entropy()(y, y_pred)) + sum(self.losses)

    (x, y), model = data(), compiled(model_of(Anew), run_eagerly=True)
    wanted = float(array(cross_entropy()(y, model.classifier(x)))) + AW * auxiliary(model)
    logs = model.train_on_batch(x, y, return_dict=True)
    assert logs["loss"] == pytest.approx(wanted, rel=1e-5)
    assert np.isnan(logs["task_loss"])


@use("A loop over `model(x, training=True)` and `model.losses`", "the weights of `fit`")
def test_a_loop_over_losses():
    (x, y), model = data(), compiled(model_of())
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    if BACKEND != "jax":
        step = tensorflow_step if BACKEND == "tensorflow" else torch_step
        step(model, x, lambda scores: cross_entropy()(y, scores) + sum(model.losses))
        return assert_as_after_fit(model)
    import jax

    def loss_of(trainable, non_trainable):
        scores, _, losses = model.stateless_call(trainable, non_trainable, x, training=True, return_losses=True)
        return cross_entropy()(y, scores) + sum(losses)

    gradients = jax.grad(loss_of)(*([v.value for v in part] for part in both(model)))
    model.optimizer.apply(gradients, model.trainable_variables)
    assert_as_after_fit(model)


@use("A loop over `compute_loss`", "the weights of `fit`: the auxiliary loss counts once")
def test_a_loop_over_compute_loss():
    (x, y), model = data(), compiled(model_of())
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    if BACKEND != "jax":
        step = tensorflow_step if BACKEND == "tensorflow" else torch_step
        step(model, x, lambda scores: model.compute_loss(x, y, scores))
        return assert_as_after_fit(model)
    import jax

    def loss_of(trainable, non_trainable):
        scores, _, _ = model.stateless_call(trainable, non_trainable, x, training=True, return_losses=True)
        return model.compute_loss(x, y, scores)

    gradients = jax.jit(jax.grad(loss_of))(*([v.value for v in part] for part in both(model)))
    model.optimizer.apply(gradients, model.trainable_variables)
    assert_as_after_fit(model)


@use("A loop over `joint_outputs`", "the weights of `fit`")
def test_a_loop_over_joint_outputs():
    (x, y), model = data(), compiled(model_of())
    transforms = importlib.import_module("keras_selfmodel.transforms")

    def loss_of(weights):
        with keras.StatelessScope(list(zip(model.trainable_variables, weights, strict=True))):
            return model.compute_loss(x, y, model.joint_outputs(x, training=True)), ()

    _, gradients = transforms.value_and_grad(loss_of)([v + 0.0 for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        variable.assign(variable - RATE * gradient)
    assert_as_after_fit(model)


@use("`stateless_call` for training that drops the losses", "an error that says what to pass")
def test_stateless_call_without_its_losses():
    model = model_of()
    with pytest.raises(RuntimeError, match="Pass return_losses=True"):
        model.stateless_call(*([v.value for v in part] for part in both(model)), data()[0], training=True)


@use("`DropoutModel` as part of another model", "half of the features are dropped in training, none in inference")
def test_dropout_in_another_model():
    identity = keras.layers.Dense(200, kernel_initializer="identity", use_bias=False)
    model = ksm.models.DropoutModel(keras.Sequential([keras.Input((200,)), identity]), rate=0.5, seed=1)
    inputs = keras.Input((200,))
    outer, ones = keras.Model(inputs, model(inputs)), np.ones((50, 200), "float32")
    np.testing.assert_array_equal(outer.predict(ones, verbose=0), ones)
    dropped = array(outer(ones, training=True))
    # 10,000 draws: a standard deviation of 0.005.
    assert set(np.unique(dropped)) == {0.0, 2.0} and np.mean(dropped == 0) == pytest.approx(0.5, abs=0.02)


def both(model) -> tuple:
    return model.trainable_variables, model.non_trainable_variables
