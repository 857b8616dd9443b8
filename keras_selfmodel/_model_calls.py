"""The calls that a functional model is made of, those inside nested models included.

Keras describes a functional model by nodes (one call of one operation). They are the only way to tell which call
of a shared layer belongs to this model and what is computed from what, so this file reads nodes
(`_internals.keras.nodes_of`).
"""

import inspect
import itertools
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_selfmodel._internals.keras import is_built_sequential, is_functional, nodes_of

# A model with a custom `call` is followed once: each time would leave nodes behind in its layers.
_FOLLOWED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

ReadAs = Callable[[keras.Model], keras.Model]


@dataclass(frozen=True, eq=False)
class Value:
    """A symbolic tensor of a model, or of a model nested in it; one object for each, whatever it is passed on as.

    Attributes:
        scope: The calls of nested models that it is computed in, outermost first.
        tensor: The symbolic tensor, in the innermost of these.
    """

    scope: tuple
    tensor: keras.KerasTensor

    @property
    def shape(self) -> tuple:
        return tuple(self.tensor.shape)


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer or operation.

    Attributes:
        path: Its name, behind those of the nested models that it lies in: "backbone/block_3".
        node: What Keras recorded of it.
        scope: As of `Value`.
        inputs: The tensors that it takes.
        outputs: The tensors that it returns.
        opened: Whether it is a nested model whose own calls are listed too.
    """

    path: str
    node: Any
    scope: tuple
    inputs: list[Value]
    outputs: list[Value]
    opened: bool = False

    @property
    def operation(self) -> Any:
        return self.node.operation

    @property
    def features(self) -> Value:
        """What it reads, where it reads one tensor; of several, the one that it is called on."""
        first = self.node.arguments.args[:1] or list(self.node.arguments.kwargs.values())[:1]
        called_on = {id(tensor) for tensor in keras.tree.flatten(first)}
        pairs = zip(self.node.input_tensors, self.inputs, strict=True)
        found = list({id(value): value for tensor, value in pairs if id(tensor) in called_on}.values())
        if len(found) != 1:
            raise ValueError(
                f"It cannot be determined which tensor is the features (features=…): layer {self.path!r} is called on "
                f"{len(found)}. Let it read one, such as a concatenation of them."
            )
        return found[0]


def functional_of(model: keras.Model) -> keras.Model | None:
    """The functional model that a model is; `None` if it hides what it does.

    Raises:
        ValueError: If it has a custom `call` that cannot be followed.
    """
    if not (is_functional(model) or is_built_sequential(model)):
        return None
    if _has_own_call(model):
        if model not in _FOLLOWED:
            _FOLLOWED[model] = _followed(model)
        return _FOLLOWED[model]
    return keras.Model(model.inputs[0], model.outputs[0]) if isinstance(model, keras.Sequential) else model


def calls_of(functional: keras.Model, read_as: ReadAs) -> tuple[list[Call], list[Value]]:
    """All calls, in an order in which they can be computed, and the model's outputs.

    Args:
        functional: The model.
        read_as: The model whose calls are listed for those of a nested one.
    """
    calls: list[Call] = []
    inputs = [Value((), tensor) for tensor in functional.inputs]
    return calls, _open(functional, (), "", inputs, calls, read_as)


def read_values(
    functional: keras.Model, values: Sequence[Value], read_as: ReadAs, instead: tuple[Call, Callable] | None = None
) -> tuple:
    """Symbolic tensors of a model and of those nested in it, as functions of the inputs of the outer one.

    Args:
        functional: The outer model.
        values: What is read.
        read_as: As for `calls_of`.
        instead: A call and a function: what the call is called on becomes the function of it.

    Returns:
        The flat outputs of the model, with the change if there is one, and the tensors that are read.
    """
    return _run(functional, (), list(values), instead, read_as)


def model_behind(calls: Sequence[Call], outputs: Sequence[Value], value: Value) -> tuple[list[Value], keras.Model]:
    """The part of a model that computes its outputs from one value.

    Args:
        calls: All calls, as `calls_of` lists them.
        outputs: The model's outputs.
        value: Where that part starts.

    Returns:
        What else it takes, and the functional model of a list of these, `value` first, that returns a list of all
        outputs. It shares the layers.
    """
    behind, chosen = {id(value)}, []
    for call in calls:
        if not call.opened and any(id(one) in behind for one in call.inputs):
            chosen.append(call)
            behind.update(map(id, call.outputs))
    taken = [one for call in chosen for one in call.inputs] + list(outputs)
    others = list({id(one): one for one in taken if id(one) not in behind}.values())
    return others, _model_of(chosen, (), [value, *others], outputs)


def _model_of(
    calls: Sequence[Call], scope: tuple, given: Sequence[Value], wanted: Sequence[Value], name: str | None = None
) -> keras.Model:
    """The functional model that computes values from others by some calls, in the order of these.

    The calls that lie in a nested model are put into a model again, because only there are their names unique.

    Args:
        calls: The calls, all in this scope or in one inside it.
        scope: As of `Value`.
        given: What it takes.
        wanted: What it returns.
        name: Its name.
    """
    inputs = [keras.Input(batch_shape=one.shape, dtype=one.tensor.dtype) for one in given]
    tensors = dict(zip(map(id, given), inputs, strict=True))
    depth = len(scope)
    groups = itertools.groupby(calls, key=lambda call: call.scope[: depth + 1])
    for number, (inner, group) in enumerate([(inner, list(group)) for inner, group in groups]):
        if len(inner) == depth:
            for call in group:
                pairs = zip(call.node.input_tensors, call.inputs, strict=True)
                args, kwargs = call.node.arguments.fill_in({id(tensor): tensors[id(one)] for tensor, one in pairs})
                returned = keras.tree.flatten(call.operation(*args, **kwargs))
                tensors |= {id(one): tensor for one, tensor in zip(call.outputs, returned, strict=True)}
            continue
        made = {id(one): one for call in group for one in call.outputs}
        taken = list({id(one): one for call in group for one in call.inputs if id(one) not in made}.values())
        read = {id(one) for call in calls if call not in group for one in call.inputs} | set(map(id, wanted))
        results = [one for key, one in made.items() if key in read]
        if results:
            nested = inner[-1]
            part = _model_of(group, inner, taken, results, f"part_{number}_of_{nested.operation.name}")
            # A nested model may be called for inference, or for training, whatever the mode of the outer one.
            mode = {key: kept for key, kept in nested.arguments.kwargs.items() if key == "training"}
            returned = part([tensors[id(one)] for one in taken], **mode)
            tensors |= {id(one): tensor for one, tensor in zip(results, keras.tree.flatten(returned), strict=True)}
    return keras.Model(inputs, [tensors[id(one)] for one in wanted], name=name)


def _open(
    functional: Any, scope: tuple, prefix: str, inputs: list[Value], calls: list[Call], read_as: ReadAs
) -> list[Value]:
    values = {id(tensor): value for tensor, value in zip(functional.inputs, inputs, strict=True)}
    for node in nodes_of(functional):
        if node.is_input or all(id(tensor) in values for tensor in node.outputs):
            continue
        taken = [values[id(tensor)] for tensor in node.input_tensors]
        path = prefix + node.operation.name
        nested = _nested(node, read_as)
        if nested is None:
            returned = [Value(scope, tensor) for tensor in node.outputs]
        else:
            returned = _open(nested, (*scope, node), f"{path}/", taken, calls, read_as)
        calls.append(Call(path, node, scope, taken, returned, opened=nested is not None))
        values.update(zip(map(id, node.outputs), returned, strict=True))
    return [values[id(tensor)] for tensor in functional.outputs]


def _run(functional: Any, scope: tuple, wanted: list[Value], instead: Any, read_as: ReadAs) -> tuple[list, list]:
    depth = len(scope)
    tensors = {id(tensor): tensor for tensor in functional.inputs}
    read: dict[int, object] = {}
    for node in nodes_of(functional):
        if node.is_input or all(id(tensor) in tensors for tensor in node.outputs):
            continue
        here = (*scope, node)
        inside = [value for value in wanted if value.scope[: depth + 1] == here]
        changes_inside = instead is not None and instead[0].scope[: depth + 1] == here
        changes = instead is not None and instead[0].node is node and instead[0].scope == scope
        if not (inside or changes_inside or changes) and all(tensors[id(t)] is t for t in node.input_tensors):
            returned = node.outputs
        else:
            changed = _changed(node, tensors, instead) if changes else tensors
            args, kwargs = node.arguments.fill_in(changed)
            operation = node.operation
            if inside or changes_inside:
                nested = _nested(node, read_as)
                outputs, more = _run(nested, here, inside, instead, read_as)
                operation = keras.Model(nested.input, [*outputs, *more], name=operation.name)
            returned = keras.tree.flatten(operation(*args, **kwargs))
            read.update(zip(map(id, inside), returned[len(node.outputs) :], strict=True))
        tensors.update(zip(map(id, node.outputs), returned[: len(node.outputs)], strict=True))
    found = [read[id(value)] if id(value) in read else tensors[id(value.tensor)] for value in wanted]
    return [tensors[id(tensor)] for tensor in functional.outputs], found


def _changed(node: Any, tensors: dict, instead: tuple[Call, Callable]) -> dict:
    call, function = instead
    places = [id(t) for t, value in zip(node.input_tensors, call.inputs, strict=True) if value is call.features]
    result = function(tensors[places[0]])
    return {**tensors, **dict.fromkeys(places, result)}


def _nested(node: Any, read_as: ReadAs) -> Any:
    """The functional model that a node calls, if it is one and called on all that it takes and no more."""
    model, arguments = node.operation, node.arguments
    if not isinstance(model, keras.Model) or len(arguments.args) != 1:
        return None
    if any(value is not None for name, value in arguments.kwargs.items() if name != "training"):
        return None
    functional = functional_of(read_as(model))
    if functional is None:
        return None
    given, wanted = arguments.args[0], functional.input
    try:
        keras.tree.assert_same_structure(given, wanted)
    except (ValueError, TypeError):
        return None
    pairs = zip(keras.tree.flatten(given), functional.inputs, strict=True)
    return functional if all(len(a.shape) == len(b.shape) for a, b in pairs) else None


def _has_own_call(model: keras.Model) -> bool:
    defining = next(cls for cls in type(model).__mro__ if "call" in vars(cls))
    return not defining.__module__.startswith("keras.")


def _followed(model: keras.Model) -> keras.Model:
    """The functional model that a custom `call` makes of symbolic inputs."""
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.input
    takes_training = "training" in inspect.signature(model.call).parameters
    refusal = (
        f"{type(model).__name__} has a custom `call`, which must be made of Keras's layers and operations "
        "(keras.ops) and be the same in training and inference, because training reads activations inside it. Put "
        f"what it adds into a layer. Received: model={model.name!r}; "
    )
    try:
        followed = keras.Model(inputs, model.call(inputs))
        in_training = keras.Model(inputs, model.call(inputs, training=True)) if takes_training else followed
    except Exception as error:  # whatever the user's code, or a backend's operation, makes of a symbolic tensor
        raise ValueError(f"{refusal}calling it on symbolic inputs: {type(error).__name__}: {error}") from error
    if _description(followed) != _description(in_training):
        raise ValueError(f"{refusal}it computes something else with training=True.")
    return followed


def _description(functional: keras.Model) -> list:
    described = []
    for node in nodes_of(functional):
        operation = node.operation
        is_layer = isinstance(operation, keras.Layer)
        settings = {} if is_layer else {k: v for k, v in vars(operation).items() if k[0] != "_" and k != "name"}
        arguments = (node.arguments.args, {k: v for k, v in node.arguments.kwargs.items() if k != "training"})
        fixed = [a for a in keras.tree.flatten(arguments) if not isinstance(a, keras.KerasTensor)]
        described.append((id(operation) if is_layer else type(operation), repr(settings), repr(fixed)))
    return described
