"""What `_internals.keras` relies on."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_selfmodel._internals.keras import (
    count_loss,
    family_of_layer,
    function_of_loss,
    is_built_sequential,
    is_functional,
    kind_of_operation,
    layers_by_path,
    layers_inside,
    loss_weights_of,
    make_paths_unique,
    mask_of_losses,
    moved_axes,
    moving_averages,
    nodes_of,
    scale_of_kernel,
    settings_of,
)
from tests.internals.contract import contract


def functional() -> keras.Model:
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, name="hidden")(inputs)
    return keras.Model(inputs, keras.layers.Add(name="sum")([hidden, ops.multiply(hidden, 2.0)]))


def test_a_functional_model_lists_its_calls_and_other_models_do_not():
    class Subclassed(keras.Model):
        pass

    with contract("keras", "keras.py", "a functional model, and no other, lists its nodes in _nodes_by_depth"):
        model = functional()
        assert is_functional(model) and not is_functional(Subclassed())
        assert [node.operation.name for node in nodes_of(model) if not node.is_input][::2] == ["hidden", "sum"]
        assert [node.is_input for node in nodes_of(model)] == [True, False, False, False]


def test_a_node_says_what_is_called_on_what_and_returns_what():
    with contract("keras", "keras.py", "a Node has operation, arguments, input_tensors and outputs"):
        model = functional()
        _, hidden, times, sum_ = nodes_of(model)
        assert hidden.operation is model.get_layer("hidden") and hidden.input_tensors[0] is model.inputs[0]
        assert hidden.arguments.args == (model.inputs[0],)
        assert times.input_tensors[0] is hidden.outputs[0] and times.arguments.args[1] == 2.0
        assert sum_.outputs[0] is model.outputs[0]
        assert [id(t) for t in sum_.input_tensors] == [id(hidden.outputs[0]), id(times.outputs[0])]


def test_the_arguments_of_a_node_are_filled_in_with_other_tensors():
    with contract("keras", "keras.py", "Node.arguments.fill_in takes a dictionary of tensors by their id"):
        model, other = functional(), keras.Input((3,))
        hidden = nodes_of(model)[1]
        args, kwargs = hidden.arguments.fill_in({id(model.inputs[0]): other})
        assert args == (other,) and all(value is None for value in kwargs.values())


@pytest.mark.parametrize(
    "move",
    [
        lambda value: ops.transpose(value, (0, 3, 1, 2)),
        lambda value: ops.transpose(ops.reshape(value, (5, 2, 3, 4))),
        lambda value: ops.moveaxis(value, -1, 1),
        lambda value: ops.moveaxis(value, [1, 2], [2, 1]),
        lambda value: ops.swapaxes(value, 1, -1),
        keras.layers.Permute((3, 1, 2)),
        keras.layers.TimeDistributed(keras.layers.Permute((2, 1))),
    ],
)
def test_an_operation_says_which_axes_it_moves(move):
    with contract("keras", "keras.py", "Transpose.axes, Moveaxis.source and .destination, Swapaxes.axis1 and .axis2"):
        moved = move(keras.Input((2, 3, 4), batch_size=5))
        sizes = (5, 2, 3, 4)
        assert [sizes[axis] for axis in moved_axes(moved._keras_history.operation, 4)] == list(moved.shape)


def test_only_transpositions_say_which_axes_they_move():
    value = keras.Input((2, 3, 4), batch_size=5)
    for made in (ops.reshape(value, (5, 4, 3, 2)), ops.einsum("abcd->abdc", value), ops.tanh(value)):
        assert moved_axes(made._keras_history.operation, 4) is None


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda value: ops.reshape(value, (-1, 6)), "Reshape"),
        (lambda value: ops.expand_dims(value, 1), "ExpandDims"),
        (lambda value: ops.squeeze(value, 1), "Squeeze"),
        (ops.gelu, "Gelu"),
        (lambda value: 2 * value, "Multiply"),
        (lambda value: value / value, "TrueDivide"),
        (lambda value: value - 1, "Subtract"),
        (lambda value: ops.mean(value, -1, keepdims=True), "Mean"),
        (lambda value: ops.concatenate([value, value], 1), "Concatenate"),
        (keras.layers.Reshape((6,)), None),
    ],
)
def test_an_operation_has_the_name_of_its_kind(make, kind):
    with contract("keras", "keras.py", "operations of keras.ops lie in keras.src.ops and are called as the functions"):
        assert kind_of_operation(make(keras.Input((1, 6)))._keras_history.operation) == kind


@pytest.mark.parametrize(
    ("layer", "family"),
    [
        (keras.layers.ReLU(), "activations"),
        (keras.layers.MultiHeadAttention(1, 2), "attention"),
        (keras.layers.DepthwiseConv1D(3), "convolutional"),
        (keras.layers.Conv2DTranspose(3, 2), "convolutional"),
        (keras.layers.EinsumDense("ab,bc->ac", 3), "core"),
        (keras.layers.Identity(), "core"),
        (keras.layers.Add(), "merging"),
        (keras.layers.RMSNormalization(), "normalization"),
        (keras.layers.GlobalMaxPooling2D(), "pooling"),
        (keras.layers.Rescaling(2.0), "preprocessing"),
        (keras.layers.GaussianNoise(0.1), "regularization"),
        (keras.layers.ZeroPadding2D(), "reshaping"),
        (keras.layers.ConvLSTM2D(3, 2), "rnn"),
        (keras.layers.Bidirectional(keras.layers.GRU(2)), "rnn"),
        (type("Custom", (keras.layers.Dense,), {})(3), None),
        (keras.Sequential(), None),
        (len, None),
    ],
)
def test_layers_of_keras_have_families(layer, family):
    with contract("keras", "keras.py", "layers lie in packages of keras.src.layers"):
        assert family_of_layer(layer) == family


@pytest.mark.parametrize("layers", [[keras.Input((3,)), keras.layers.Dense(2)], [keras.layers.Dense(2)]])
def test_a_sequential_model_knows_whether_it_has_been_built(layers):
    with contract("keras", "keras.py", "a built Sequential model has a functional one in _functional"):
        model = keras.Sequential(layers)
        assert is_built_sequential(model) is (len(layers) == 2)


def test_a_model_lists_the_layers_inside_it_at_any_depth():
    with contract("keras", "keras.py", "Layer._flatten_layers(include_self=False) yields the layers inside a layer"):
        inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="deep")])
        model = keras.Sequential([keras.Input((3,)), inner])
        assert {inner.name, "deep"} <= {layer.name for layer in layers_inside(model)}
        assert model not in layers_inside(model)
    with contract("keras", "keras.py", "Layer._flatten_layers(recursive=False) yields the layers of the layer itself"):
        assert [layer.name for layer in layers_by_path(model)[f"{inner.name}/deep"]] == ["deep"]
        assert "deep" not in layers_by_path(model)


@pytest.mark.parametrize("scaled", [False, True])
def test_an_optimizer_has_a_moving_average_of_each_weight(scaled):
    with contract("keras", "keras.py", "an Optimizer averages _trainable_variables in _model_variables_moving_average"):
        model = functional()
        optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
        model.compile(optimizer, "mse")
        model.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 4), "float32"))
        pairs = moving_averages(model.optimizer)
        assert [id(variable) for variable, _ in pairs] == [id(variable) for variable in model.trainable_variables]
        # The first step's average is what the weights are after it.
        assert all(np.array_equal(*map(ops.convert_to_numpy, pair)) for pair in pairs)
        plain = keras.optimizers.SGD(0.1)
        plain.build(model.trainable_variables)
        assert moving_averages(plain) == []


def test_the_logged_loss_is_the_mean_of_what_is_counted():
    with contract("keras", "keras.py", "a compiled model means its loss in _loss_tracker, weighted by the samples"):
        model = functional()
        model.compile("sgd", "mse")
        count_loss(model, ops.convert_to_tensor(1.0), 1)
        count_loss(model, ops.convert_to_tensor(4.0), 2)
        assert float(model.get_metrics_result()["loss"]) == pytest.approx(3.0)


def test_the_scale_of_a_quantized_einsum_dense_has_as_many_axes_as_its_kernel():
    with contract("keras", "keras.py", "EinsumDense._adjust_scale_for_dequant lays the scale out as the kernel"):
        layer = keras.layers.EinsumDense("abc,cde->abde", output_shape=(None, 4, 5))
        layer.build((None, 2, 3))
        before = ops.convert_to_numpy(layer.kernel)
        layer.quantize("int8")
        scale = ops.convert_to_numpy(scale_of_kernel(layer, layer.kernel_scale))
        # int8: half a step of 1/127 of the largest value of a column.
        error = np.abs(ops.convert_to_numpy(layer.kernel) / scale - before).max()
        assert error <= np.abs(before).max() / 127


def test_a_loss_tells_the_axis_of_the_classes_and_the_class_it_ignores():
    with contract("keras", "keras.py", "SparseCategoricalCrossentropy keeps axis and ignore_class in _fn_kwargs"):
        settings = settings_of(keras.losses.SparseCategoricalCrossentropy(axis=1, ignore_class=255))
        assert (settings["axis"], settings["ignore_class"]) == (1, 255)
        assert settings_of(keras.losses.SparseCategoricalCrossentropy()).get("axis", -1) == -1
        assert settings_of(keras.losses.sparse_categorical_crossentropy) == {}
    with contract("keras", "keras.py", "a loss that Keras makes of a function keeps it in fn"):
        assert function_of_loss(keras.losses.BinaryCrossentropy()) is keras.losses.binary_crossentropy


def test_a_loss_that_ignores_a_class_says_which_entries_count():
    with contract("keras", "keras.py", "sparse_categorical_crossentropy leaves its mask to masking.get_keras_mask"):
        function, scores = keras.losses.sparse_categorical_crossentropy, np.zeros((2, 3), "float32")
        mask = mask_of_losses(function(np.array([-1, 1]), scores, ignore_class=-1))
        assert ops.convert_to_numpy(mask).tolist() == [False, True]
        assert mask_of_losses(function(np.array([0, 1]), scores)) is None


def test_a_compiled_model_keeps_its_loss_weights_whatever_else_cannot_be_stored():
    with contract("keras", "keras.py", "Model._compile_config.config has the loss_weights given to compile"):
        model = functional()
        model.compile("sgd", loss=functools.partial(keras.losses.mean_squared_error), loss_weights=[0.5])
        assert loss_weights_of(model) == [0.5]
        model.compile("sgd", "mse")
        assert loss_weights_of(model) is None


def test_paths_that_variables_share_are_numbered():
    with contract("keras", "keras.py", "Variable.path is what Variable._path holds"):
        made = [keras.Variable(0.0, name=name) for name in ("a", "a", "a_1", "b", "a")]
        make_paths_unique([*made, made[0]])
        assert [one.path for one in made] == ["a", "a_2", "a_1", "b", "a_3"]
