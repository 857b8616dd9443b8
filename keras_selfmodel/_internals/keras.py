"""Keras: records of functional models, layers inside layers, the loss that a step counts, averages of optimizers.

Relied on: `Functional._nodes_by_depth` and its `Node`s (`operation`, `is_input`, `input_tensors`, `outputs`,
`arguments.args`, `.kwargs` and `.fill_in`), `KerasTensor._keras_history`, `Operation._inbound_nodes`,
`Sequential._functional`, `Layer._flatten_layers` and its `recursive`,
`Model._loss_tracker`, `Variable._value` and `._path`, `Model._compile_config` and its `config`,
the packages of `keras.src.layers`, the classes of the operations that `keras.ops` record, the attributes of those of
`transpose`, `moveaxis` and `swapaxes`, `EinsumDense._adjust_scale_for_dequant`,
`fn` and `_fn_kwargs` of the losses that Keras makes of functions,
`Optimizer._trainable_variables` and `._model_variables_moving_average`, `src.backend.common.masking.get_keras_mask`.
"""

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras.src.backend.common.masking import get_keras_mask


def is_functional(model: keras.Model) -> bool:
    """Whether Keras has recorded what the model computes when it was built from symbolic tensors."""
    return hasattr(model, "_nodes_by_depth")


def is_built_sequential(model: keras.Model) -> bool:
    """Whether this is a Sequential model that knows its input shape."""
    return isinstance(model, keras.Sequential) and model.built and getattr(model, "_functional", None) is not None


def nodes_of(functional: keras.Model) -> list:
    """Every call of an operation at the top of a functional model, in an order in which they can be computed."""
    by_depth = functional._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def model_around(model: keras.Model, inputs: Any, outputs: Any, name: str | None = None) -> keras.Model:
    """A functional model of which another one is a part, whatever the names of what was put around that.

    Keras wants the names of operations in a model to be unique, but when it names one it knows nothing of those that
    came with a loaded model: a second "concatenate" is given a new name here.

    Args:
        model: The functional model that is a part; its operations keep their names.
        inputs, outputs, name: As of `keras.Model`.
    """
    kept = {id(node.operation) for node in nodes_of(model)}
    named: dict[str, list] = {}
    for operation in sorted(_operations_before(outputs), key=lambda operation: id(operation) not in kept):
        named.setdefault(operation.name, []).append(operation)
    for base, (_, *others) in list(named.items()):
        for operation in others:
            operation.name = next(new for n in itertools.count(1) if (new := f"{base}_{n}") not in named)
            named[operation.name] = [operation]
    return keras.Model(inputs, outputs, name=name)


def _operations_before(outputs: Any) -> list:
    """Every operation that symbolic tensors are computed by."""
    pending, seen, found = keras.tree.flatten(outputs), set(), {}
    while pending:
        tensor = pending.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        operation, number, _ = tensor._keras_history
        found[id(operation)] = operation
        pending.extend(operation._inbound_nodes[number].input_tensors)
    return list(found.values())


def moved_axes(operation: Any, axes: int) -> list[int] | None:
    """For each axis of what a transposition puts out, which axis of its input it was; `None` of anything else.

    Args:
        operation: A layer, or an operation of `keras.ops`, that puts out as many axes as it is given.
        axes: How many.
    """
    if isinstance(operation, keras.layers.Permute):
        return [0, *operation.dims]
    if isinstance(operation, keras.layers.TimeDistributed):
        inside = moved_axes(operation.layer, axes - 1)
        return None if inside is None else [0, 1, *(axis + 1 for axis in inside[1:])]
    order = np.empty(tuple(range(axes)))  # Whose sizes are the numbers of the axes.
    match kind_of_operation(operation):
        case "Transpose":
            order = np.transpose(order, operation.axes)
        case "Moveaxis":
            order = np.moveaxis(order, operation.source, operation.destination)
        case "Swapaxes":
            order = np.swapaxes(order, operation.axis1, operation.axis2)
        case _:
            return None
    return list(order.shape)


def kind_of_operation(operation: Any) -> str | None:
    """What an operation of `keras.ops` is called, as "Swapaxes"; `None` of layers and of operations of others."""
    return type(operation).__name__ if type(operation).__module__.startswith("keras.src.ops.") else None


def family_of_layer(operation: Any) -> str | None:
    """The family of a layer of Keras's own, as "pooling"; `None` of anything else, subclasses of such layers too."""
    package, _, path = type(operation).__module__.partition(".layers.")
    return path.split(".")[0] if package == "keras.src" and path else None


def layers_inside(layer: keras.Layer) -> list[keras.Layer]:
    """All layers that a layer, or a model, is made of, at any depth."""
    return list(layer._flatten_layers(include_self=False))


def layers_directly_inside(layer: keras.Layer) -> list[keras.Layer]:
    """The layers that a layer, or a model, has itself, without those inside them."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def layers_by_path(layer: keras.Layer) -> dict[str, list[keras.Layer]]:
    """The layers that a layer, or a model, is made of, by their names behind those of the layers that they lie in.

    A layer that lies in several places has several paths; layers of one name in one place share theirs.
    """
    found: dict[str, list[keras.Layer]] = {}
    pending = [("", layer, {id(layer)})]
    while pending:
        prefix, outer, above = pending.pop(0)
        for inner in layers_directly_inside(outer):
            path = prefix + inner.name
            found.setdefault(path, []).append(inner)
            if id(inner) not in above:
                pending.append((f"{path}/", inner, above | {id(inner)}))
    return found


def count_loss(model: keras.Model, loss: Any, samples: int) -> None:
    """Adds the loss of a batch to the mean that a compiled model logs as "loss"."""
    model._loss_tracker.update_state(loss, sample_weight=samples)


def loss_weights_of(model: keras.Model) -> Any:
    """The `loss_weights` that a model was compiled with, or `None`.

    The public `get_compile_config` stores losses, metrics and optimizer too, and fails for those that cannot be stored.
    """
    return model._compile_config.config["loss_weights"]


def make_paths_unique(variables: list[keras.Variable]) -> None:
    """Puts numbers behind the paths of variables that share theirs with one before them."""
    unique = list({id(one): one for one in variables}.values())
    taken, given = {one.path for one in unique}, set()
    for variable in unique:
        path, number = variable.path, 0
        while variable.path in given:
            number += 1
            if f"{path}_{number}" not in taken:
                variable._path = f"{path}_{number}"
                taken.add(variable.path)
        given.add(variable.path)


def give_weights(copy: keras.Model, weights: list) -> None:
    """Sets the weights of a copy, and what normalization layers compute from theirs, which Keras does not do again."""
    copy.set_weights(weights)
    for layer in layers_inside(copy):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def give_back(variable: keras.Variable, value: Any) -> None:
    """Sets a variable, also where `evaluate` on JAX has taken its value away and was ended by an error."""
    if variable._value is None:
        variable._value = keras.ops.convert_to_tensor(value, dtype=variable.dtype)
    else:
        variable.assign(value)


def moving_averages(optimizer: Any) -> list[tuple[keras.Variable, keras.Variable]]:
    """The weights that a built optimizer, or one inside it, averages (`use_ema`), each with its moving average."""
    inside = [*getattr(optimizer, "optimizers", ()), getattr(optimizer, "inner_optimizer", None)]
    found = [pair for one in inside if one is not None for pair in moving_averages(one)]
    if getattr(optimizer, "use_ema", False):
        pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
        found += [(variable, average) for variable, average in pairs if average is not None]
    return found


def settings_of(loss: Any) -> dict:
    """The arguments that a loss passes to its function, such as `axis` and `ignore_class`; of a function, none."""
    return getattr(loss, "_fn_kwargs", {})


def function_of_loss(loss: Any) -> Callable | None:
    """The function that a loss of Keras's own calls; `None` for another, also for one that calls it in its own way."""
    return getattr(loss, "fn", None) if type(loss).call.__module__.startswith("keras.") else None


def mask_of_losses(losses: Any) -> Any:
    """The mask that a loss's function leaves on the losses that it returns, of entries that it ignores, or `None`."""
    return get_keras_mask(losses)


def scale_of_kernel(layer: keras.layers.EinsumDense, scale: Any) -> Any:
    """The scale of a kernel quantized to int8 in the layout of the kernel; Keras keeps it in that of the output."""
    return layer._adjust_scale_for_dequant(scale)


def mode(function: Callable, training: bool | None) -> dict:
    """The keyword `training` for a method that a user may have written without it; Keras leaves it out then too."""
    return {"training": training} if "training" in inspect.signature(function).parameters else {}
