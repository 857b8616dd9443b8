"""Steps that are played back are Keras's to the bit, and those that cannot be are Keras's."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_selfmodel import callbacks, models
from keras_selfmodel.callbacks import PlayedBackSteps

pytestmark = pytest.mark.skipif(keras.config.backend() != "torch", reason="other backends compile their steps")

RNG = np.random.default_rng(0)
# The last batch of an epoch is smaller.
X, Y = RNG.normal(size=(163, 12)).astype("float32"), RNG.integers(0, 4, 163)
STEPS = 33
FIT = {"batch_size": 5, "epochs": 4, "verbose": 0, "validation_data": (X[:20], Y[:20])}


def network(*inner) -> keras.Sequential:
    keras.utils.set_random_seed(1)
    made = [one() if callable(one) and not isinstance(one, layers.Layer) else one for one in inner]
    return keras.Sequential(
        [keras.Input((12,)), layers.Dense(8, activation="relu", name="hidden"), *made, layers.Dense(4, name="scores")]
    )


def images() -> keras.Sequential:
    keras.utils.set_random_seed(1)
    inner = [layers.Conv2D(3, 2), layers.BatchNormalization(), layers.MaxPooling2D((2, 1)), layers.Flatten()]
    return keras.Sequential([keras.Input((12,)), layers.Reshape((4, 3, 1)), *inner, layers.Dense(4)])


def sequences() -> keras.Sequential:
    keras.utils.set_random_seed(1)
    inner = [layers.Bidirectional(layers.LSTM(3, return_sequences=True)), layers.GRU(3)]
    return keras.Sequential([keras.Input((12,)), layers.Reshape((4, 3)), *inner, layers.Dense(4)])


def of_torch() -> keras.Sequential:
    torch = pytest.importorskip("torch")
    keras.utils.set_random_seed(1)
    # Its batch norm changes buffers of which neither Keras nor the operation says so.
    inner = torch.nn.Sequential(torch.nn.Linear(12, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.2))
    wrapped = layers.TorchModuleWrapper(inner, output_shape=(None, 8))
    return keras.Sequential([keras.Input((12,)), wrapped, layers.Dense(4)])


class Scaled(layers.Layer):
    """Multiplied by a number of Python, and by one that Keras keeps, with a loss of its own."""

    factor = 1.0

    def build(self, shape):
        self.calls = self.add_weight(shape=(), trainable=False, initializer="zeros")

    def call(self, values):
        self.calls.assign_add(1.0)
        self.add_loss(0.01 * ops.mean(values**2))
        return values * self.factor / (1 + 0.01 * self.calls)


class Unsqueezed(layers.Layer):
    """Changes the shape of a view of a weight in place."""

    def build(self, shape):
        self.shift = self.add_weight(shape=(8,), initializer="ones", trainable=False)

    def call(self, values):
        if values.device.type == "meta":
            return values
        return values + self.shift.value.detach().unsqueeze_(0)


class FactorOfEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.get_layer("scaled").factor = 1.0 + epoch


class CallsOfKeras(keras.callbacks.Callback):
    """Counts the steps that Keras takes itself."""

    def on_train_begin(self, logs=None):
        self.count, step = 0, self.model.train_function

        def counted(data):
            self.count += 1
            return step(data)

        self.model.train_function = counted


def trained(make, optimizer, further):
    """Weights and history with and without, and how many steps Keras took with it."""
    found = []
    for played in (False, True):
        model, counting = make(), CallsOfKeras()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer(), loss, metrics=["accuracy"])
        keras.utils.set_random_seed(3)
        np.random.seed(3)
        called = [counting, *further(), *([PlayedBackSteps(warn=False)] if played else [])]
        history = model.fit(X, Y, callbacks=called, **FIT).history
        found.append((model.get_weights(), history))
    return found, counting.count, called[-1].reason


def adam():
    return keras.optimizers.Adam(0.01)


def decaying():
    return keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 40), momentum=0.9, nesterov=True)


def check_is_the_same(found):
    (weights, history), (played_weights, played_history) = found
    for ours, theirs in zip(played_weights, weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert played_history == history


class Table(layers.Layer):
    """With constants that cannot be written, and a number of Python that is changed in place."""

    def build(self, shape):
        self.table = np.arange(8.0, dtype="float32") / 8
        self.table.flags.writeable = False
        self.wide = ops.broadcast_to(ops.ones(()), (1, 8))

    def call(self, values):
        found = ops.convert_to_tensor(True)
        found &= ops.sum(values) > 20
        return values * (1 + ops.cast(found, "float32")) * (ops.convert_to_tensor(self.table) + self.wide)


class InPlace(layers.Layer):
    """Changes the batch itself."""

    def call(self, values):
        values -= 1.0
        return values


class ClipsMore(keras.callbacks.Callback):
    """Changes a number of Python that has no effect on most batches."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.clipnorm = (100.0, 1.0, 0.7, 0.5)[epoch]


def first_in_place() -> keras.Sequential:
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((12,)), InPlace(), layers.Dense(4)])


@pytest.mark.parametrize(
    ("make", "optimizer", "further"),
    [
        (lambda: network(Table()), adam, list),
        (first_in_place, adam, list),
        (network, lambda: keras.optimizers.SGD(0.5, clipnorm=100.0), lambda: [ClipsMore()]),
        (
            network,
            lambda: keras.optimizers.SGD(keras.optimizers.schedules.PiecewiseConstantDecay([20, 40], [0.1, 0.01, 1.0])),
            list,
        ),
        (network, adam, list),
        (lambda: network(layers.Dropout(0.5)), decaying, list),
        (images, adam, list),
        (sequences, adam, list),
        (of_torch, adam, list),
        (lambda: network(Scaled(name="scaled")), adam, lambda: [FactorOfEpoch()]),
        (lambda: models.SelfModelingModel(network(), "hidden", 1.0, seed=1), decaying, list),
        (
            lambda: models.SelfModelingModel(network(), "hidden", seed=1),
            lambda: keras.optimizers.SGD(0.1),
            lambda: [
                callbacks.AuxWeightSchedule(float),
                keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
            ],
        ),
        (lambda: models.DropoutModel(network(), rate=0.3), adam, list),
        (lambda: models.ActivationRegularizationModel(network(), "hidden", 0.1), adam, list),
        (lambda: models.WeightDecayModel(network(), 0.1), lambda: keras.optimizers.AdamW(0.01, clipnorm=0.1), list),
    ],
)
def test_steps_played_back_are_those_of_keras(make, optimizer, further):
    found, calls, reason = trained(make, optimizer, further)
    check_is_the_same(found)
    assert not reason and calls <= 4 * 5 + 1


class Half(layers.Layer):
    """Every third call is another one than the others."""

    calls = 0

    def call(self, values):
        self.calls += 1
        return values * (1.0 if self.calls % 3 else 0.5)


def reversed_where_large(gradient):
    return -gradient if np.abs(gradient.numpy()).max() > 0.05 else gradient


class Hooked(layers.Layer):
    """Asks for values in the backward pass."""

    def call(self, values):
        if values.requires_grad:
            values.register_hook(reversed_where_large)
        return values * 1.0


@pytest.mark.parametrize(
    ("inner", "optimizer", "reason"),
    [
        (Unsqueezed, adam, "aten.unsqueeze_.default changes the shape of a tensor in place"),
        (Hooked, adam, "they ask for the values of a tensor (Tensor.numpy)"),
        (
            lambda: layers.Activation("tanh"),
            lambda: keras.optimizers.SGD(lambda: 0.1),
            "their learning rate is not one of Keras's",
        ),
        (lambda: layers.Dropout(0.5, seed=1), adam, "they ask for the values of a tensor (Tensor.__int__)"),
        (
            lambda: layers.Lambda(lambda h: h if ops.mean(h) > 0 else -h),
            adam,
            "they ask for the values of a tensor (Tensor.__bool__)",
        ),
        (
            lambda: layers.Lambda(lambda h: h + float(np.mean(ops.convert_to_numpy(h)))),
            adam,
            "they ask for the values of a tensor (Tensor.__array__)",
        ),
        (
            lambda: layers.Lambda(lambda h: h * ops.convert_to_tensor(np.random.uniform(size=8).astype("float32"))),
            adam,
            "their results depend on more than the batch and the variables",
        ),
        (Half, adam, "their results depend on more than the batch and the variables"),
        (
            lambda: layers.Activation("tanh"),
            lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2),
            "they ask for the values of a tensor (Tensor.__bool__)",
        ),
    ],
)
def test_steps_that_cannot_be_played_back_are_those_of_keras(inner, optimizer, reason):
    found, calls, said = trained(lambda: network(inner), optimizer, list)
    check_is_the_same(found)
    assert said == reason and calls == 4 * STEPS


def test_a_warning_says_once_why_steps_are_not_played_back():
    model = network(layers.Dropout(0.5, seed=1))
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="'sequential.*' are not played back: they ask for the values") as caught:
        model.fit(X, X[:, :4], callbacks=[PlayedBackSteps()], **FIT | {"validation_data": None})
    assert sum("played back" in str(one.message) for one in caught) == 1


@pytest.mark.parametrize(("batch_size", "eagerly"), [(6, False), (5, True)])
def test_what_is_not_worth_it_is_left_to_keras(batch_size, eagerly):
    model = network()
    model.compile("sgd", "mse", run_eagerly=eagerly)
    counting = CallsOfKeras()
    fit = FIT | {"validation_data": None, "batch_size": batch_size}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, X[:, :4], callbacks=[counting, PlayedBackSteps()], **fit)
    assert counting.count == 4 * -(-len(X) // batch_size)


class Counting(keras.Model):
    """Updates its weights in every second step alone."""

    count = 0

    def train_step(self, data):
        self.count += 1
        return super().train_step(data) if self.count % 2 else {}


def test_a_train_step_of_the_models_own_is_left_to_it():
    plain = network()
    model = Counting(plain.inputs, plain.outputs)
    model.compile("sgd", "mse")
    played = PlayedBackSteps(warn=False)
    model.fit(X, X[:, :4], callbacks=[played], **FIT | {"validation_data": None})
    assert model.count == 4 * STEPS and played.reason == "their train_step is the model's own"


def test_one_callback_may_serve_trainings_inside_each_other():
    found, counting = [], CallsOfKeras()
    for called in ([], [counting, PlayedBackSteps()]):
        outer, inner = network(), network()
        for model in (outer, inner):
            model.compile(keras.optimizers.SGD(0.1), "mse")
        fit = {"batch_size": 5, "verbose": 0, "shuffle": False}

        def also(epoch, logs=None, model=inner, called=called[1:], fit=fit):
            model.fit(X, -X[:, :4], callbacks=called, **fit)

        outer.fit(X, X[:, :4], epochs=3, callbacks=[*called, keras.callbacks.LambdaCallback(on_epoch_end=also)], **fit)
        found.append([*outer.get_weights(), *inner.get_weights()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert counting.count <= 3 * 5 + 1


class Interrupts(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 11:
            raise KeyboardInterrupt


def test_after_an_interrupted_training_steps_are_those_of_keras():
    model = network()
    model.compile("sgd", "mse")
    fit = FIT | {"validation_data": None}
    model.make_train_function()
    original = model.train_function
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, X[:, :4], callbacks=[PlayedBackSteps(), Interrupts()], **fit)
    steps, train_step = [], model.train_step

    def counted(data):
        steps.append(1)
        return train_step(data)

    # Without the callback, then with another one, which puts Keras's function back.
    model.train_step = counted
    model.fit(X, X[:, :4], **fit)
    assert len(steps) == 4 * STEPS
    del model.train_step
    model.fit(X, X[:, :4], callbacks=[PlayedBackSteps()], **fit)
    assert model.train_function is original


def test_gradients_are_left_behind_as_by_keras():
    found = []
    for called in ([], [PlayedBackSteps()]):
        model = network()
        model.compile(keras.optimizers.SGD(0.1), "mse")
        # The last step is one that is played back.
        model.fit(X[:160], X[:160, :4], callbacks=called, **FIT | {"validation_data": None, "shuffle": False})
        found.append([ops.convert_to_numpy(v.value.grad) for v in model.trainable_variables])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
