"""The prediction of lesions: the drawn units, the loss and its gradient, against NumPy and against cut networks."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

from keras_selfmodel.models import LesionPredictionModel, mlp

UNITS = 8


def deep_classifier(*between, name=None) -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(UNITS, activation="relu", bias_initializer="ones", name="first"),
            *between,
            layers.Dense(5, activation="tanh", name="second"),
            layers.Dense(3, name="logits"),
        ],
        name=name,
    )


def drawn_units(samples: int, seed: int) -> np.ndarray:
    """The first draw of a seed, read off a network whose scores are its units, all 1."""
    shows = keras.Sequential([keras.Input((UNITS,)), layers.Dense(UNITS, kernel_initializer="identity")])
    outputs = LesionPredictionModel(shows, seed=seed).joint_outputs(np.ones((samples, UNITS), "float32"), training=True)
    change = keras.ops.convert_to_numpy(outputs["lesion_change"])
    assert set(np.unique(change)) == {-1.0, 0.0} and np.all(change.sum(axis=1) == -1)
    return np.argmin(change, axis=1)


class InNumPy:
    """x → ReLU(x·w₁ + b₁) = h → tanh(h·w₂ + b₂)·w₃ + b₃, and a head W₂·ReLU(W₁·(h, i) + c₁) + c₂."""

    def __init__(self, model, x, y, units):
        head = [*model.head.hidden.get_weights(), *model.head.linear.get_weights()]
        self.weights = [w.astype(np.float64) for w in (*model.classifier.get_weights(), *head)]
        self.x, self.y, self.silenced = x.astype(np.float64), y, np.eye(UNITS)[units]
        self.constant = self.change()

    def hidden(self):
        w, b = self.weights[:2]
        return np.maximum(self.x @ w + b, 0)

    def scores(self, hidden):
        w, b, v, c = self.weights[2:6]
        return np.tanh(hidden @ w + b) @ v + c

    def change(self):
        hidden = self.hidden()
        return self.scores(hidden * (1 - self.silenced)) - self.scores(hidden)

    def losses(self, stop_gradient=True, sample_weight=1.0):
        scores, (w, b, v, c) = self.scores(self.hidden()), self.weights[6:]
        each = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(self.y)), self.y]
        said = np.maximum(np.hstack([self.hidden(), self.silenced]) @ w + b, 0) @ v + c
        errors = np.mean((said - (self.constant if stop_gradient else self.change())) ** 2, axis=1)
        return np.mean(sample_weight * each), np.mean(sample_weight * errors)

    def gradient(self, aux_weight, **options):
        """Central differences in double precision."""
        found = []
        for weight in self.weights:
            slopes = np.zeros_like(weight)
            for place in np.ndindex(weight.shape):
                before, ends = weight[place], []
                for step in (1e-6, -1e-6):
                    weight[place] = before + step
                    task, auxiliary = self.losses(**options)
                    ends.append(task + aux_weight * auxiliary)
                weight[place] = before
                slopes[place] = (ends[0] - ends[1]) / 2e-6
            found.append(slopes)
        return found


@pytest.mark.parametrize("stop_gradient", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_gradient_equal_numpy(data, cross_entropy, stop_gradient, weighted):
    x, y = data
    each = np.random.default_rng(1).uniform(0.2, 2.0, len(y)).astype("float32") if weighted else None
    model = LesionPredictionModel(deep_classifier(), 3.0, "first", stop_gradient=stop_gradient, seed=3)
    reference = InNumPy(model, x, y, drawn_units(len(x), seed=3))
    options = {"stop_gradient": stop_gradient, "sample_weight": 1.0 if each is None else each}
    model.compile(keras.optimizers.SGD(1.0), loss=cross_entropy)
    logs = model.train_on_batch(x, y, sample_weight=each, return_dict=True)
    task_loss, lesion_loss = reference.losses(**options)
    assert logs["task_loss"] == pytest.approx(task_loss, rel=1e-5)
    assert logs["lesion_prediction_loss"] == pytest.approx(lesion_loss, rel=1e-5)
    assert logs["loss"] == pytest.approx(task_loss + 3 * lesion_loss, rel=1e-5)
    if not weighted:
        change = reference.constant
        wanted = 1 - lesion_loss * change.size / np.sum((change - change.mean(axis=0)) ** 2)
        assert logs["lesion_prediction_r2"] == pytest.approx(wanted, rel=1e-4)
    # Plain SGD at rate 1 subtracts the gradient.
    now = [*model.classifier.get_weights(), *model.head.hidden.get_weights(), *model.head.linear.get_weights()]
    for before, after, gradient in zip(reference.weights, now, reference.gradient(3.0, **options), strict=True):
        np.testing.assert_allclose(before - after, gradient, atol=2e-6)


def test_before_a_linear_layer_the_change_is_the_units_part_of_the_scores(classifier, data):
    x, _ = data
    w, b, v, _ = classifier.get_weights()
    hidden = np.maximum(x @ w + b, 0)
    units = np.arange(len(x)) % UNITS
    change = LesionPredictionModel(classifier).lesions(x, np.eye(UNITS, dtype="float32")[units])["lesion_change"]
    np.testing.assert_allclose(change, -hidden[np.arange(len(x)), units][:, None] * v[units], atol=1e-6)


def convolutions() -> keras.Model:
    image = keras.Input((6, 6, 2))
    first = layers.Conv2D(4, 3, padding="same", activation="relu", name="convolution")(image)
    joined = layers.Add()([layers.Conv2D(4, 3, padding="same")(first), first])
    joined = layers.Activation("tanh")(layers.BatchNormalization()(joined))
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(joined)))


def nested() -> keras.Model:
    image = keras.Input((6, 6, 2))
    inside = convolutions()
    backbone = keras.Model(inside.input, inside.layers[-2].output, name="backbone")
    return keras.Model(image, layers.Dense(3)(layers.Dense(7, activation="tanh")(backbone(image))))


@pytest.mark.parametrize(("make", "layer"), [(convolutions, "convolution"), (nested, "backbone/convolution")])
def test_a_silenced_channel_is_one_whose_weights_are_zero(make, layer):
    classifier = make()
    model = LesionPredictionModel(classifier, layer=layer)
    x = np.random.default_rng(0).normal(size=(5, 6, 6, 2)).astype("float32")
    assert model.num_units == 4
    whole = classifier.predict(x, verbose=0)
    convolution = classifier
    for name in layer.split("/"):
        convolution = convolution.get_layer(name)
    kernel, bias = convolution.get_weights()
    for unit in range(4):
        change = model.lesions(x, np.tile(np.eye(4, dtype="float32")[unit], (5, 1)))["lesion_change"]
        without = np.arange(4) != unit
        convolution.set_weights([kernel * without, bias * without])
        np.testing.assert_allclose(change, classifier.predict(x, verbose=0) - whole, atol=1e-5)
        convolution.set_weights([kernel, bias])


def test_steps_that_are_masked_count_nowhere():
    words = keras.Input((5,), dtype="int32")
    sequence = layers.LSTM(4, return_sequences=True, name="lstm")(layers.Embedding(9, 3, mask_zero=True)(words))
    classifier = keras.Model(words, layers.Dense(3)(layers.GlobalAveragePooling1D()(sequence)))
    head = layers.Dense(3, name="head")
    model = LesionPredictionModel(classifier, layer="lstm", head=head)
    x = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8], [3, 0, 0, 0, 0]])
    steps = keras.Model(words, sequence).predict(x, verbose=0)
    means = np.stack([one[:length].mean(axis=0) for one, length in zip(steps, (3, 5, 1), strict=True)])
    silenced = np.eye(4, dtype="float32")[[2, 0, 3]]
    found = model.lesions(x, silenced)
    kernel, _ = classifier.layers[-1].get_weights()
    np.testing.assert_allclose(found["lesion_change"], -(means * silenced) @ kernel, atol=1e-6)
    weights, bias = head.get_weights()
    np.testing.assert_allclose(found["lesion_prediction"], np.hstack([means, silenced]) @ weights + bias, atol=1e-6)


def test_weights_of_steps_and_masks_of_outputs_count():
    """Of an output with steps a sample weighs the mean of its steps, and masked steps are not predicted."""
    words = keras.Input((4,), dtype="int32")
    sequence = layers.Dense(3, activation="tanh", name="hidden")(layers.Embedding(9, 2, mask_zero=True)(words))
    classifier = keras.Model(words, layers.Dense(2)(sequence))
    model = LesionPredictionModel(classifier, layer="hidden", seed=1)
    x = np.array([[1, 2, 0, 0], [4, 5, 6, 7], [3, 8, 1, 0]])
    each = np.array([[1, 3, 9, 9], [1, 2, 3, 4], [2, 2, 5, 9]], "float32")
    outputs = model.joint_outputs(x, training=False)
    errors = keras.ops.convert_to_numpy(outputs["lesion_prediction"] - outputs["lesion_change"]).reshape(3, 4, 2)
    of_samples = [np.sum(one[:length] ** 2) for one, length in zip(errors, (2, 4, 3), strict=True)]
    means = [one[:length].mean() for one, length in zip(each, (2, 4, 3), strict=True)]
    # Nine steps of two outputs count.
    found = float(keras.ops.convert_to_numpy(model.auxiliary_loss(outputs, each)))
    assert found == pytest.approx(np.dot(means, of_samples) / 18, rel=1e-5)


class ChannelsFirst(layers.Layer):
    """A layer that makes channels, which it puts out first, on every backend."""

    data_format = "channels_first"

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1], 1, 1), initializer="ones")

    def call(self, image):
        return self.scale * keras.ops.transpose(image, (0, 3, 1, 2))


def test_channels_may_come_first():
    image = keras.Input((2, 2, 3))
    swapped = layers.Activation("relu", name="channels")(ChannelsFirst()(image))
    classifier = keras.Model(image, layers.Dense(2)(layers.Flatten()(swapped)))
    x = np.random.default_rng(0).uniform(0.1, 1.0, size=(4, 2, 2, 3)).astype("float32")
    model = LesionPredictionModel(classifier, layer="channels")
    assert model.num_units == 3
    change = model.lesions(x, np.tile(np.eye(3, dtype="float32")[1], (4, 1)))["lesion_change"]
    without = x * np.array([1, 0, 1], "float32")
    wanted = classifier.predict(without, verbose=0) - classifier.predict(x, verbose=0)
    np.testing.assert_allclose(change, wanted, atol=1e-6)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("move", "axis", "units"),
    [
        (layers.Permute((2, 3, 1)), -1, 3),
        (lambda image: keras.ops.transpose(image, (0, 2, 3, 1)), -1, 3),
        (lambda image: keras.ops.moveaxis(image, 1, -1), -1, 3),
        (lambda image: keras.ops.moveaxis(image, [1, 2], [2, 1]), 2, 3),
        (lambda image: keras.ops.swapaxes(image, 1, 2), 2, 3),
        (layers.Dense(4), -1, 4),
        (lambda image: layers.Permute((3, 1, 2))(layers.Dense(4)(image)), 1, 4),
        (lambda image: layers.Permute((2, 1))(layers.GRU(4, return_sequences=True)(image[:, 0])), 1, 4),
        (lambda image: layers.EinsumDense("bcij,ck->bkij", (4, 2, 3))(image), 1, 4),
        (lambda image: layers.EinsumDense("abci,ik->abck", (3, 2, 4))(image), -1, 4),
        (lambda image: layers.TimeDistributed(layers.Permute((2, 1)))(layers.Dense(4)(image)), 2, 4),
        (layers.TimeDistributed(keras.Sequential([layers.Dense(4), layers.Permute((2, 1))])), 2, 4),
    ],
    ids="permute transpose moveaxis moveaxes swapaxes dense dense-permute gru einsum einsum-last inside model".split(),
)
def test_units_that_were_moved_are_found(move, axis, units):
    image = keras.Input((2, 3, 3))
    moved = layers.Activation("tanh", name="last")(move(ChannelsFirst()(image)))
    classifier = keras.Model(image, layers.Dense(2)(layers.Flatten()(moved)))
    check_silenced(classifier, LesionPredictionModel(classifier, layer="last"), axis, units)


def check_silenced(classifier: keras.Model, model: LesionPredictionModel, axis: int, units: int) -> None:
    """Against the activations of the layer before a dense one, with one unit set to 0."""
    x = np.random.default_rng(0).normal(size=(4, *classifier.input_shape[1:])).astype("float32")
    last = classifier.get_layer("last")
    activations = keras.Model(classifier.inputs, last.output).predict(x, verbose=0)
    kernel, _ = classifier.layers[-1].get_weights()
    assert model.num_units == units == activations.shape[axis]
    change = model.lesions(x, np.tile(np.eye(units, dtype="float32")[1], (4, 1)))["lesion_change"]
    without = np.zeros_like(activations)
    silent = [slice(None)] * activations.ndim
    silent[axis] = 1
    without[tuple(silent)] = activations[tuple(silent)]
    np.testing.assert_allclose(change, -without.reshape(4, -1) @ kernel, atol=1e-5)


def test_where_the_axis_cannot_be_told_it_is_named_by_the_user():
    sequence = keras.Input((4, 6))
    folded = layers.Activation("tanh", name="last")(layers.Reshape((3, 8), name="fold")(layers.Dense(6)(sequence)))
    classifier = keras.Model(sequence, layers.Dense(2)(layers.Flatten()(folded)))
    with pytest.raises(ValueError, match="layer 'last' cannot be determined: the search ended at 'fold'. Pass axis"):
        LesionPredictionModel(classifier, layer="last")
    model = LesionPredictionModel(classifier, layer="last", axis=-2)
    check_silenced(classifier, model, 1, 3)
    assert model.with_classifier(keras.models.clone_model(classifier)).num_units == 3
    assert model.get_config()["axis"] == -2


class Transposed(keras.Layer):
    """A custom layer, of which Keras does not know what it does."""

    def call(self, values):
        return keras.ops.transpose(values, (0, 2, 1))


class Block(keras.Layer):
    """A custom layer with units of its own."""

    def __init__(self, inner=None):
        super().__init__()
        self.inner = inner or layers.Dense(7)

    def build(self, shape):
        self.inner.build(shape)

    def call(self, values):
        return self.inner(values)

    def compute_output_shape(self, shape):
        return self.inner.compute_output_shape(shape)


class Perceptron(keras.Layer):
    """A custom layer with two sizes of weights, that puts out as many numbers as it is given."""

    def __init__(self):
        super().__init__()
        self.parts = [layers.Dense(5), layers.Dense(4)]

    def build(self, shape):
        self.parts[0].build(shape)
        self.parts[1].build((*shape[:-1], 5))

    def call(self, values):
        return self.parts[1](self.parts[0](values))


class Shorter(keras.Layer):
    """A custom layer that leaves out places and adds a weight to each of those that are left."""

    def build(self, shape):
        self.shift = self.add_weight(shape=(shape[-1] // 3,))

    def call(self, values):
        return values[..., ::3] + self.shift


class Gated(keras.Layer):
    """A custom layer whose dense layer makes twice the units that it puts out, here as many as there are steps."""

    def __init__(self, units):
        super().__init__()
        self.units = units
        self.dense = layers.Dense(2 * units)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, values):
        both = self.dense(values)
        return both[..., : self.units] * keras.ops.sigmoid(both[..., self.units :])


class Turned(keras.Layer):
    """A custom layer that makes channels first, with a kernel of (channels, inputs)."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def build(self, shape):
        self.kernel = self.add_weight(shape=(self.channels, shape[1]))

    def call(self, values):
        return keras.ops.matmul(self.kernel, values)


class Patches(keras.Layer):
    """A custom layer that is given channels first, and puts out the features of patches last."""

    def __init__(self):
        super().__init__()
        self.convolution = layers.Conv2D(5, 2, strides=2, data_format="channels_first")

    def build(self, shape):
        self.convolution.build(shape)

    def call(self, image):
        return keras.ops.transpose(keras.ops.reshape(self.convolution(image), (-1, 5, 9)), (0, 2, 1))

    def compute_output_shape(self, shape):
        return shape[0], 9, 5


class Maxout(keras.Layer):
    """Units that are the largest of two each, and have changed places with the steps."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(6)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, values):
        pairs = keras.ops.reshape(self.dense(values), (-1, 4, 3, 2))
        return keras.ops.swapaxes(keras.ops.max(pairs, axis=-1), 1, 2)

    def compute_output_shape(self, shape):
        return shape[0], 3, 4


class PooledGate(keras.Layer):
    """Channels first, pooled, and multiplied by a number that a layer makes of their means."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, activation="sigmoid")

    def build(self, shape):
        self.dense.build(shape[:2])

    def call(self, image):
        gate = self.dense(keras.ops.mean(image, axis=(2, 3)))
        return keras.ops.max_pool(image, 2, data_format="channels_first") * gate[:, :, None, None]

    def compute_output_shape(self, shape):
        return *shape[:2], shape[2] // 2, shape[3] // 2


class MyPooling(layers.MaxPooling1D):
    """A layer of Keras that may have been changed."""


class MyLstm(layers.ConvLSTM2D):
    """One that may put out steps before channels."""


class Positions(keras.Layer):
    """A custom layer that makes units and adds a weight for each of their places."""

    def __init__(self, units):
        super().__init__()
        self.dense = layers.Dense(units)

    def build(self, shape):
        self.dense.build(shape)
        self.places = self.add_weight(shape=(shape[1], self.dense.units))

    def call(self, values):
        return self.dense(values) + self.places


class MyConvolution(layers.Conv1D):
    """Another one."""


def mixed_steps(values):
    """Units on the second axis of each step, which is as long as the last."""
    return layers.TimeDistributed(layers.Permute((2, 1)))(layers.Dense(4)(layers.Permute((1, 3, 2))(values)))


class Two(Block):
    """And with a second output, the other way round."""

    def call(self, values):
        made = self.inner(values)
        return made, keras.ops.transpose(made, (0, 2, 1))

    def compute_output_shape(self, shape):
        batch, steps, units = self.inner.compute_output_shape(shape)
        return (batch, steps, units), (batch, units, steps)


class Scaled(keras.Layer):
    """A custom layer that multiplies what it is given by a weight of some shape."""

    def __init__(self, shape):
        super().__init__()
        self.scale = self.add_weight(shape=shape, initializer="ones")

    def call(self, values):
        return values * self.scale

    def compute_output_shape(self, shape):
        return shape


def flattened_steps():
    return layers.TimeDistributed(keras.Sequential([layers.Flatten()]))


def repeated_steps():
    return layers.TimeDistributed(layers.RepeatVector(2))


def recurrent(units):
    return layers.LSTM(units, return_sequences=True)


def conv_of_steps(images):
    return layers.TimeDistributed(layers.Conv2D(5, 3, **FIRST))(images)


def squeezed_and_excited(image):
    """The channels of an image, each multiplied by a number, as Hu et al. do."""
    means = layers.GlobalAveragePooling2D(data_format="channels_first")(image)
    return layers.Multiply()([image, layers.Reshape((5, 1, 1))(layers.Dense(5, "sigmoid")(means))])


def mixed(value, *, swapped: bool = False):
    """What an MLP-Mixer adds: the same numbers, of which one part was made by mixing the other axis."""
    features = layers.Dense(5)(value)
    steps = layers.Permute((2, 1))(layers.Dense(4)(layers.Permute((2, 1))(features)))
    return layers.Add()([steps, features] if swapped else [features, steps])


FIRST = {"padding": "same", "data_format": "channels_first"}


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("shape", "made", "units"),
    [
        ((3, 2, 6, 7), layers.ConvLSTM2D(5, 3, **FIRST), 5),
        ((3, 2, 6, 7), layers.ConvLSTM2D(5, 3, return_sequences=True, **FIRST), 5),
        ((3, 2, 6), layers.Bidirectional(layers.ConvLSTM1D(5, 3, return_sequences=True, **FIRST), merge_mode="sum"), 5),
        ((3, 2, 6, 7), layers.Bidirectional(layers.ConvLSTM2D(5, 3, **FIRST), merge_mode="sum"), 5),
        ((2, 6, 7), layers.SpectralNormalization(layers.Conv2D(5, 3, **FIRST)), 5),
        ((4, 5), lambda x: layers.SpectralNormalization(layers.Dense(7))(layers.Permute((2, 1))(x)), 7),
        ((4, 6), lambda x: Transposed()(layers.Dense(5)(x)), None),
        ((4, 4), lambda x: Transposed()(layers.Dense(4)(x)), None),
        ((4, 6), lambda x: layers.Lambda(lambda v: keras.ops.transpose(v, (0, 2, 1)))(layers.Dense(5)(x)), None),
        ((4, 6), lambda x: layers.Lambda(lambda v: 2.0 * v)(layers.Dense(5)(x)), 5),
        ((4, 6), lambda x: keras.ops.rot90(layers.Dense(5)(x), 1, (1, 2)), None),
        ((4, 5), lambda x: Block()(layers.Permute((2, 1))(x)), 7),
        ((4, 6), lambda x: (lambda y: layers.MultiHeadAttention(2, 3)(y, y))(layers.Permute((2, 1))(x)), 4),
        ((4, 6), lambda x: layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)[1], None),
        ((4, 6), lambda x: layers.MultiHeadAttention(2, 3, output_shape=(2, 5))(x, x), None),
        ((4, 6), lambda x: layers.MultiHeadAttention(2, 3, output_shape=5)(x, x), 5),
        ((4, 6), lambda x: (lambda y: layers.Attention()([y, y]))(layers.Dense(5)(x)), 5),
        ((4, 6), lambda x: (lambda y: layers.Attention()([y, y]))(layers.Permute((2, 1))(layers.Dense(5)(x))), None),
        ((4, 6), lambda x: layers.Attention()([x, x]), None),
        ((4, 6), lambda x: x * layers.Dense(1)(x), None),
        ((4, 6), lambda x: layers.TimeDistributed(layers.Reshape((3, 2)))(layers.Dense(6)(x)), None),
        ((4, 6), lambda x: layers.EinsumDense("ab...,bc->ac...", 5)(x), None),
        ((3, 4, 6), layers.EinsumDense("...b,bc->...c", 5), 5),
        ((6,), lambda x: keras.ops.expand_dims(layers.Dense(5)(x), -1), 5),
        ((6,), lambda x: layers.Reshape((5, 1))(layers.Dense(5)(x)), 5),
        ((6,), lambda x: layers.Reshape((2, 2, 3))(layers.Dense(12)(x)), None),
        ((6,), lambda x: layers.RepeatVector(3)(layers.Dense(5)(x)), 5),
        ((6,), lambda x: keras.ops.expand_dims(layers.Dense(5)(x), 1), 5),
        ((6,), lambda x: keras.ops.stack([layers.Dense(5)(x), layers.Dense(5)(x)], -1), None),
        ((2, 3, 7), lambda x: keras.ops.squeeze(layers.Conv2D(5, (3, 1), data_format="channels_first")(x), 2), 5),
        ((2, 6, 7), lambda x: layers.Reshape((5, 42))(layers.Conv2D(5, 3, **FIRST)(x)), 5),
        ((2, 6, 7), lambda x: layers.Reshape((10, 21))(layers.Conv2D(5, 3, **FIRST)(x)), None),
        ((6, 7, 2), lambda x: layers.Reshape((-1, 5))(layers.Conv2D(5, 3, padding="same")(x)), 5),
        ((2, 6, 7), lambda x: squeezed_and_excited(layers.Conv2D(5, 3, **FIRST)(x)), 5),
        ((2, 6, 7), lambda x: layers.MaxPooling2D(2, data_format="channels_first")(layers.Conv2D(5, 3, **FIRST)(x)), 5),
        ((6, 4), lambda x: layers.MaxPooling1D(2)(layers.Permute((2, 1))(layers.Dense(5)(x))), None),
        ((6, 4), lambda x: MyPooling(2)(layers.Permute((2, 1))(layers.Dense(5)(x))), None),
        ((7, 6), lambda x: MyConvolution(7, 1, data_format="channels_first")(layers.Dense(6)(x)), None),
        ((6, 4), lambda x: layers.UpSampling1D(2)(layers.Permute((2, 1))(layers.Dense(5)(x))), None),
        ((3, 6, 7, 2), lambda x: layers.TimeDistributed(layers.GlobalAveragePooling2D())(layers.Dense(5)(x)), 5),
        ((3, 6, 2), lambda x: layers.TimeDistributed(layers.Flatten())(layers.Dense(5)(x)), 30),
        ((3, 6, 2), layers.TimeDistributed(layers.Flatten()), None),
        ((3, 4, 6), lambda x: layers.TimeDistributed(layers.Flatten())(layers.Conv2D(5, 3, **FIRST)(x)), 5),
        ((3, 4, 6), lambda x: layers.TimeDistributed(layers.Reshape((24,)))(layers.Conv2D(5, 3, **FIRST)(x)), 5),
        ((3, 4, 6), lambda x: flattened_steps()(layers.Conv2D(5, 3, **FIRST)(x)), None),
        ((6, 5), lambda x: repeated_steps()(layers.Permute((2, 1))(layers.Dense(4)(x))), 4),
        ((4, 8), lambda x: layers.SpectralNormalization(MyConvolution(7, 1, **FIRST))(layers.Dense(8)(x)), 7),
        ((3, 9), lambda x: Shorter()(layers.Conv1D(5, 1, data_format="channels_first")(x)), None),
        ((4, 6), Block(layers.EinsumDense("abc,dc->adb", (7, 4))), 7),
        ((3, 2, 6, 7), Block(layers.TimeDistributed(layers.DepthwiseConv2D(3, **FIRST))), None),
        ((10, 4), Gated(5), None),
        ((3, 6, 2), lambda x: layers.TimeDistributed(layers.MaxPooling1D(2))(layers.Conv2D(5, (1, 3))(x)), 5),
        ((3, 7, 6), lambda x: layers.TimeDistributed(layers.Dropout(0.5))(layers.Permute((3, 1, 2))(x)), None),
        ((4, 6), lambda x: keras.ops.stack([layers.Dense(5)(x), layers.Dense(5)(x)], -1), None),
        ((4, 6), mixed, None),
        ((4, 6), lambda x: mixed(x, swapped=True), None),
        ((4, 6), lambda x: layers.Concatenate(axis=1)([layers.Dense(5)(x), layers.Dense(5)(x)]), 5),
        ((4, 6), layers.EinsumDense("abc,cde->abde", (4, 2, 5)), None),
        ((4, 6), lambda x: layers.EinsumDense("abc,c->abc", (4, 5))(layers.Dense(5)(x)), 5),
        ((4, 6), lambda x: layers.Dot(axes=(1, 1))([layers.Dense(5)(x), layers.Dense(3)(x)]), None),
        ((4, 6), lambda x: layers.LayerNormalization()(layers.Permute((2, 1))(layers.Dense(5)(x))), 5),
        ((4, 6), layers.Dropout(0.5), None),
        ((4, 6), lambda x: layers.Add()([x, layers.Dense(6)(x)]), 6),
        ((4, 4), lambda x: keras.ops.inv(layers.Dense(4)(x)), None),
        ((4, 4), lambda x: keras.ops.gelu(layers.Dense(4)(x)), 4),
        ((4, 6), lambda x: (lambda y: y - keras.ops.mean(y, -1, keepdims=True))(layers.Dense(5)(x)), 5),
        ((4, 6), lambda x: Scaled((1,))(layers.Dense(5)(x)), 5),
        ((2, 6, 7), lambda x: Scaled((1,))(layers.Conv2D(5, 3, **FIRST)(x)), 5),
        ((2, 5, 5), lambda x: Scaled((1,))(layers.Conv2D(5, 3, **FIRST)(x)), None),
        ((2, 6, 7), lambda x: Scaled((5, 1, 1))(layers.Conv2D(5, 3, **FIRST)(x)), 5),
        ((2, 6, 7), lambda x: Scaled((6, 7))(layers.Conv2D(5, 3, **FIRST)(x)), 5),
        ((4, 6), lambda x: Scaled((4, 1))(layers.Dense(5)(x)), 5),
        ((3, 2, 6, 7), lambda x: layers.TimeDistributed(Scaled((6, 7)))(conv_of_steps(x)), 5),
        ((3, 2, 6, 7), lambda x: layers.TimeDistributed(Scaled((5, 1, 1)))(conv_of_steps(x)), 5),
        ((4, 6), lambda x: Scaled((4,))(layers.Permute((2, 1))(layers.Dense(6)(x))), 6),
        ((2, 6, 7), lambda x: Block(layers.Conv2D(5, 3, **FIRST))(x), 5),
        ((6, 7, 2), lambda x: Block(layers.Conv2D(5, 3, padding="same"))(x), 5),
        ((4, 6), lambda x: Block(layers.Dense(5))(layers.Dense(5)(x)), 5),
        ((4, 6), lambda x: Block(layers.Dense(6))(layers.Permute((2, 1))(layers.Dense(5)(x))), 6),
        ((6, 4), lambda x: Block(layers.Dense(6))(layers.Permute((2, 1))(layers.Dense(5)(x))), None),
        ((4, 6), lambda x: Block(layers.Dense(6))(x), None),
        ((4, 5), lambda x: Perceptron()(layers.Permute((2, 1))(layers.Dense(5)(x))), None),
        ((6, 4, 5), lambda x: layers.TimeDistributed(Block(layers.Dense(4)))(mixed_steps(x)), None),
        ((4, 6), Block(layers.Dense(6)), None),
        ((2, 6, 6), Patches(), None),
        ((4, 5), Maxout(), None),
        (
            (8, 8, 2),
            lambda x: PooledGate()(layers.Permute((3, 1, 2))(layers.Conv2D(6, 3, data_format="channels_last")(x))),
            None,
        ),
        (
            (6, 8),
            lambda x: Block(layers.LSTM(6, return_sequences=True))(layers.Permute((2, 1))(layers.Dense(8)(x))),
            None,
        ),
        ((6, 8), lambda x: Block(layers.LSTM(7, return_sequences=True))(x), 7),
        ((6, 6), Turned(5), None),
        ((6, 7), Turned(5), None),
        ((6, 7), Positions(5), 5),
        ((3, 2, 6, 7), MyLstm(5, 3, return_sequences=True, **FIRST), 5),
        ((4, 6), lambda x: Two()(x)[0], 7),
        ((4, 6), lambda x: Two()(x)[1], None),
        ((3, 4, 6), layers.TimeDistributed(keras.Sequential([layers.ReLU(), layers.Permute((2, 1))])), None),
        ((4, 6), lambda x: functools.reduce(lambda y, _: y * keras.ops.sigmoid(y), range(60), layers.Dense(5)(x)), 5),
    ],
)
def test_units_are_found_or_asked_for(shape, made, units):
    given = keras.Input(shape)
    hidden = layers.Identity(name="last")(made(given))
    classifier = keras.Model(given, layers.Dense(3)(layers.Flatten()(hidden)))
    if units is None:
        with pytest.raises(ValueError, match="holds the units of layer 'last' cannot be determined: .* Pass axis="):
            LesionPredictionModel(classifier, layer="last")
    else:
        assert LesionPredictionModel(classifier, layer="last").num_units == units


@pytest.mark.parametrize("image_format", ["channels_first", "channels_last"])
def test_the_axis_of_inputs_is_asked_for(image_format):
    """Whatever the format of images: what reads them may have another one."""
    image = keras.Input((2, 6, 7))
    classifier = keras.Model(image, layers.Dense(3)(layers.Flatten()(layers.Dropout(0.5, name="dropped")(image))))
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(image_format)
    try:
        with pytest.raises(ValueError, match="cannot be determined: no layer has made them. Pass axis="):
            LesionPredictionModel(classifier, layer="dropped")
    finally:
        keras.config.set_image_data_format(before)


def block(name: str, inputs: int, units: int) -> keras.Sequential:
    """A model whose layers are called as those of the others."""
    between = layers.BatchNormalization(name="normalization")
    hidden = layers.Dense(units, activation="tanh", name="dense")
    return keras.Sequential([keras.Input((inputs,)), hidden, between, layers.Dense(units, name="other")], name=name)


@pytest.mark.parametrize("training", [None, True, False])
def test_nested_models_may_have_layers_of_the_same_names(training):
    """And may be called for training whatever the outer model is called for, here on the statistics of the batch."""
    inputs = keras.Input((6,))
    first, second = block("first", 6, 5), block("second", 5, 4)
    scores = layers.Dense(3, name="dense")(second(first(inputs, training=training), training=training))
    classifier = keras.Model(inputs, scores)
    x = np.random.default_rng(0).normal(size=(7, 6)).astype("float32")
    whole = classifier.predict(x, verbose=0)
    model = LesionPredictionModel(classifier, layer="first/dense")
    change = model.lesions(x, np.tile(np.eye(5, dtype="float32")[2], (7, 1)))["lesion_change"]
    without = np.arange(5) != 2
    kernel, bias = first.get_layer("dense").get_weights()
    first.get_layer("dense").set_weights([kernel * without, bias * without])
    np.testing.assert_allclose(change, classifier.predict(x, verbose=0) - whole, atol=1e-5)


def test_changes_of_all_outputs_are_predicted():
    inputs = keras.Input((6,))
    hidden = layers.Dense(UNITS, activation="relu", name="hidden")(inputs)
    outputs = {"one": layers.Dense(3, name="one")(hidden), "other": layers.Dense(2, name="other")(inputs)}
    model = LesionPredictionModel(keras.Model(inputs, outputs), layer="hidden")
    x = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    found = model.lesions(x, np.eye(UNITS, dtype="float32")[:4])
    assert found["lesion_prediction"].shape == (4, 5)
    # The second output does not depend on the layer.
    assert np.any(found["lesion_change"][:, :3]) and not np.any(found["lesion_change"][:, 3:])


def noisy_classifier() -> keras.Sequential:
    keras.utils.set_random_seed(1)
    activity = keras.regularizers.L2(0.01)
    between = layers.Dropout(0.5, seed=2), layers.Dense(4, activity_regularizer=activity), layers.BatchNormalization()
    return deep_classifier(*between)


def test_weight_zero_trains_the_plain_classifier_bit_for_bit(data, cross_entropy):
    """Also where what follows the layer has noise, moving statistics and losses of its own."""
    x, y = data

    def trained(model):
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=cross_entropy)
        history = model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history
        return history["loss"], getattr(model, "classifier", model).get_weights()

    losses, weights = trained(LesionPredictionModel(noisy_classifier(), 0.0, "first"))
    plain_losses, plain_weights = trained(noisy_classifier())
    assert losses == pytest.approx(plain_losses, rel=1e-6)
    for ours, theirs in zip(weights, plain_weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_both_outputs_are_computed_in_inference(data):
    x, _ = data
    classifier = noisy_classifier()
    model = LesionPredictionModel(classifier, layer="first", seed=3)
    outputs = model.joint_outputs(x, training=True)
    change = keras.ops.convert_to_numpy(outputs["lesion_change"])
    w, b = classifier.layers[0].get_weights()
    hidden = np.maximum(x @ w + b, 0)
    lesioned = hidden * (np.arange(UNITS) != drawn_units(len(x), seed=3)[:, None])
    wanted = 0
    for activations, sign in ((lesioned, 1), (hidden, -1)):
        for layer in classifier.layers[1:]:
            activations = layer(activations, training=False)
        wanted += sign * keras.ops.convert_to_numpy(activations)
    np.testing.assert_allclose(change, wanted, atol=1e-6)


def test_every_unit_is_drawn_anew_in_training_and_alike_in_validation(data, cross_entropy):
    x, y = data
    model = LesionPredictionModel(mlp(UNITS, inputs=6, classes=3, seed=7), 1.0, seed=3)
    model.compile(keras.optimizers.SGD(0.0), loss=cross_entropy)
    history = model.fit(x, y, epochs=3, shuffle=False, verbose=0, validation_data=(x, y)).history
    assert len(set(history["lesion_prediction_loss"])) == 3
    assert len(set(history["val_lesion_prediction_loss"])) == 1
    assert set(drawn_units(400, seed=5)) == set(range(UNITS))


def test_validation_does_not_change_which_units_are_drawn(data, cross_entropy):
    x, y = data

    def trained(**options):
        model = LesionPredictionModel(mlp(UNITS, inputs=6, classes=3, seed=7), 1.0, seed=3)
        model.compile(keras.optimizers.SGD(0.1), loss=cross_entropy)
        return model.fit(x, y, epochs=2, shuffle=False, verbose=0, **options).history["lesion_prediction_loss"]

    assert trained(validation_data=(x, y)) == trained()


@pytest.mark.any_backend
@pytest.mark.parametrize("head", [None, lambda outputs: layers.Dense(outputs, name="head")])
def test_a_saved_and_loaded_model_trains_on_as_if_never_saved(data, cross_entropy, tmp_path, head):
    x, y = data
    model = LesionPredictionModel(deep_classifier(), 2.0, "first", head=head, stop_gradient=False, seed=(1, 2))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=cross_entropy)
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.layer, loaded.stop_gradient, loaded.aux_weight) == ("first", False, 2.0)
    assert loaded.train_on_batch(x, y) == model.train_on_batch(x, y)
    for mine, its in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


@pytest.mark.any_backend
def test_a_loaded_classifier_may_have_the_names_that_keras_gives_next(data, cross_entropy, tmp_path):
    """Keras counts names anew in each process, and knows nothing of those of loaded layers."""
    x, y = data
    inputs = keras.Input((6,), name="silenced")
    branches = [layers.Dense(4, name="hidden")(inputs), layers.Dense(4, name="lesion_prediction_head")(inputs)]
    joined = layers.Concatenate(name="concatenate")(branches)
    classifier = keras.Model(inputs, layers.Dense(3, name="drawn_unit")(layers.Identity(name="stop_gradient")(joined)))
    names = [layer.name for layer in classifier.layers]
    keras.utils.clear_session()
    model = LesionPredictionModel(classifier, layer="hidden", seed=1)
    model.compile("sgd", loss=cross_entropy)
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    keras.utils.clear_session()
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in loaded.classifier.layers] == names
    kernel, _ = classifier.layers[-1].get_weights()
    silenced = np.tile(np.eye(4, dtype="float32")[1], (len(x), 1))
    hidden = keras.Model(inputs, branches[0]).predict(x, verbose=0)
    change = loaded.lesions(x, silenced)["lesion_change"]
    np.testing.assert_allclose(change, -(hidden * silenced) @ kernel[:4], atol=1e-6)
    for mine, its in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert loaded.train_on_batch(x, y) == model.train_on_batch(x, y)


@pytest.mark.any_backend
def test_everything_but_training_is_the_plain_classifier(data, cross_entropy):
    x, y = data
    classifier = noisy_classifier()
    model = LesionPredictionModel(classifier, 2.0, "first")
    for one in (model, classifier):
        one.compile("sgd", loss=cross_entropy, metrics=["accuracy"])
    np.testing.assert_array_equal(model.predict(x, verbose=0), classifier.predict(x, verbose=0))
    assert model.evaluate(x, y, verbose=0, return_dict=True) == classifier.evaluate(x, y, verbose=0, return_dict=True)


@pytest.mark.any_backend
def test_the_head_alone_learns_where_the_classifier_is_frozen(data, cross_entropy):
    x, y = data
    classifier = deep_classifier()
    classifier.trainable = False
    before = classifier.get_weights()
    model = LesionPredictionModel(classifier, 1.0, "first", seed=3)
    model.compile(keras.optimizers.Adam(0.01), loss=cross_entropy)
    losses = model.fit(x, y, epochs=30, verbose=0).history["lesion_prediction_loss"]
    assert losses[-1] < 0.5 * losses[0]
    for mine, old in zip(classifier.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, old)


@pytest.mark.any_backend
def test_the_objective_can_be_put_around_another_classifier(data):
    x, _ = data
    model = LesionPredictionModel(deep_classifier(), 2.0, "first", seed=3)
    other = model.with_classifier(deep_classifier())
    assert other.head is model.head and other.layer == "first" and other.aux_weight == 2.0
    assert other.lesions(x, np.eye(UNITS, dtype="float32")[np.zeros(len(x), int)])["lesion_change"].shape == (48, 3)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LesionPredictionModel(deep_classifier(), -1.0), "aux_weight must be a number, finite and not neg"),
        (lambda: LesionPredictionModel(deep_classifier(), layer="frist"), "No layer called 'frist'.*layer='frist'"),
        (lambda: LesionPredictionModel(deep_classifier(), layer=["first"]), "layer must be the name of a layer"),
        (lambda: LesionPredictionModel(deep_classifier(), stop_gradient=2), "stop_gradient must be True or False"),
        (lambda: LesionPredictionModel(deep_classifier(), head="deep"), "or None for a head with a hidden layer"),
        (lambda: LesionPredictionModel(deep_classifier(), head=layers.Dense(4)), "each of the 3 outputs whose change"),
        (lambda: LesionPredictionModel(deep_classifier(), seed=-1), "seed must be a whole number"),
        (lambda: LesionPredictionModel(deep_classifier(), axis=2), "axis must be a whole number from -2 to 1"),
        (
            lambda: LesionPredictionModel(deep_classifier(), axis=-2),
            "axis must not be the axis of the batch. Received: axis=-2",
        ),
        (lambda: LesionPredictionModel(deep_classifier()).lesions(np.ones((2, 6)), np.ones((2, 1))), "silenced must"),
    ],
)
def test_wrong_arguments_are_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    ("inputs", "layer", "said"),
    [
        ((None, 4), "hidden", r"outputs but the batch must be known.*output 0 of shape \(None, None, 3\)"),
        ((4, None), "swapped", r"number of units must be known. Received: layer 'swapped' of shape \(None, 4, None\)"),
    ],
)
def test_sizes_that_are_not_known_are_named(inputs, layer, said):
    given = keras.Input(inputs)
    if layer == "hidden":
        classifier = keras.Model(given, layers.Dense(3)(layers.Dense(5, name="hidden")(given)))
    else:
        pooled = layers.GlobalAveragePooling1D(data_format="channels_first")(layers.ReLU(name="swapped")(given))
        classifier = keras.Model(given, layers.Dense(3)(pooled))
    with pytest.raises(ValueError, match=said):
        LesionPredictionModel(classifier, layer=layer, axis=-1)


def test_a_head_of_the_classifier_is_refused():
    classifier = deep_classifier()
    with pytest.raises(ValueError, match="head must be a layer of its own"):
        LesionPredictionModel(classifier, head=classifier.layers[-1])


def test_a_layer_that_no_output_depends_on_is_refused():
    inputs = keras.Input((6,))
    hidden = layers.Dense(4, name="hidden")(inputs)
    nested = keras.Model(inputs, [layers.Dense(3)(inputs), hidden], name="nested")
    scores, _ = nested(inputs)
    with pytest.raises(ValueError, match="No output of the classifier is computed from layer 'nested/hidden'"):
        LesionPredictionModel(keras.Model(inputs, scores), layer="nested/hidden")
