"""PyTorch: the operations that a training step calls, recorded one by one and played back without its Python.

Relied on: a `TorchDispatchMode` sees every operation of the forward pass, of the backward pass and of the optimizer,
once autograd has done its part; a `TorchFunctionMode` sees each call of PyTorch that Python makes; operations whose
results depend on values have tags that say so; what a step changes lies in tensors that stay where they are.
"""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode
from torch.utils._pytree import tree_leaves, tree_map

_VALUES_FOR_PYTHON = frozenset(
    getattr(torch.Tensor, name)
    for name in (
        *("item", "data_ptr", "untyped_storage", "storage", "is_nonzero"),
        *("__bool__", "__float__", "__int__", "__index__", "__complex__", "__contains__"),
    )
)
# Those that are no operations either, so that neither mode sees them in the backward pass, as of a hook.
_ARRAYS_FOR_PYTHON = ("numpy", "tolist", "__array__", "__dlpack__")
_UNSEEN = frozenset((torch.tensor_split, torch.Tensor.tensor_split))
_DEPEND_ON_VALUES = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
_VALUE = torch.ops.aten._local_scalar_dense.default
_EMPTY, _COPY = torch.ops.aten.new_empty_strided.default, torch.ops.aten.copy_.default
_MADE_OF_NUMBERS = torch.ops.aten.lift_fresh.default


class NotRecordableError(Exception):
    """Steps do what a list of operations cannot repeat; the message says what, as the end of a sentence about them."""


class StepProgram(NamedTuple):
    """The operations of a step.

    Attributes:
        module: Takes inputs and constants, calls the operations, and returns the results.
        constants: Tensors that they use, and may change, and no input gave: weights, the optimizer's and the metrics'
            state.
        numbers: Which of them are numbers of Python.
    """

    module: torch.fx.GraphModule
    constants: list[torch.Tensor]
    numbers: list[bool]

    def does_as(self, other: "StepProgram") -> bool:
        """Whether another program consists of the same operations on the same tensors."""
        same_operations = self.module.code == other.module.code and self.numbers == other.numbers
        return same_operations and all(map(_is_same, self.constants, other.constants, self.numbers))

    def __call__(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        with torch.no_grad():  # The backward pass is among the operations.
            return self.module.forward(*inputs, *self.constants)


def recorded_step(
    step: Callable[[], Any], inputs: list[torch.Tensor], results: Callable[[Any], list[torch.Tensor]]
) -> tuple[Any, StepProgram | str]:
    """Takes a step, and records it.

    Args:
        step: The step.
        inputs: Tensors that it is taken with.
        results: Those of which the program returns the values, found from what the step returned.

    Returns:
        What the step returned, and its program; or why there is none.
    """
    asked = _Asked()
    recorder = _Recorder(inputs, asked)
    with _noticing_arrays(asked), asked, recorder:
        returned = step()
    try:
        if asked.refusal or recorder.refusal:
            raise NotRecordableError(asked.refusal or recorder.refusal)
        return returned, recorder.program(results(returned))
    except Exception as error:  # The step has been taken: whatever PyTorch says, training goes on.
        return returned, _reason(error)


def _reason(error: Exception) -> str:
    if isinstance(error, NotRecordableError):
        return str(error)
    return f"recording them failed with {type(error).__name__}: {error}"


def _is_same(one: torch.Tensor, other: torch.Tensor, numbers: bool) -> bool:
    """Whether two tensors are the same memory, or the same numbers that Python gave twice."""
    if numbers:
        return one.stride() == other.stride() and same_numbers(one, other)
    where = [(t.data_ptr(), t.shape, t.stride(), t.dtype) for t in (one, other)]
    return where[0] == where[1]


def same_numbers(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors have the same shape, type and numbers, NaN included."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


@contextmanager
def _noticing_arrays(asked: "_Asked") -> Iterator[None]:
    """Has tensors say it when they are turned into arrays or lists."""
    own = {name: vars(torch.Tensor).get(name) for name in _ARRAYS_FOR_PYTHON}
    for name in _ARRAYS_FOR_PYTHON:
        setattr(torch.Tensor, name, _noticed(getattr(torch.Tensor, name), name, asked))
    try:
        yield
    finally:
        for name, method in own.items():
            if method is None:  # That of a class above.
                delattr(torch.Tensor, name)
            else:
                setattr(torch.Tensor, name, method)


def _noticed(method: Callable, name: str, asked: "_Asked") -> Callable:
    def noticed(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if isinstance(_get_current_dispatch_mode(), _Recorder):  # Not in another thread, as of callbacks.
            asked.refuse(f"they ask for the values of a tensor (Tensor.{name})")
        return method(tensor, *args, **kwargs)

    return noticed


class _Asked(TorchFunctionMode):
    """Sees what Python asks of tensors: what depends on a value is not among the operations."""

    def __init__(self) -> None:
        super().__init__()
        self.refusal = ""
        self.arguments: list = []

    def refuse(self, reason: str) -> None:
        """Notes why a step cannot be recorded; the first reason counts."""
        self.refusal = self.refusal or reason

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if function in _UNSEEN:
            self.refuse(f"they call torch.{function.__name__}, which reads values unseen")
        if function in _VALUES_FOR_PYTHON:
            self.refuse(f"they ask for the values of a tensor (Tensor.{function.__name__})")
        self.arguments = tree_leaves((args, kwargs))
        try:
            return function(*args, **kwargs)
        finally:
            self.arguments = []


class _Recorder(TorchDispatchMode):
    """Writes down each operation, with its tensors as results of earlier ones, inputs or constants."""

    def __init__(self, inputs: list[torch.Tensor], asked: _Asked) -> None:
        super().__init__()
        self.refusal = ""
        self._asked = asked
        self._graph = torch.fx.Graph()
        self._nodes = {id(tensor): self._graph.placeholder(f"x{n}") for n, tensor in enumerate(inputs)}
        # An object's id is its own while it is kept.
        self._kept: list[Any] = list(inputs)
        self._constants: list[torch.Tensor] = []
        self._numbers: set[int] = set()
        self._constant_storages: set[int] = set()
        self._storages = {_storage(tensor) for tensor in inputs}
        # A number that PyTorch has read from a tensor to call the next operation with, and its node.
        self._number: tuple[float, torch.fx.Node] | None = None

    def __torch_dispatch__(self, operation: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        # Numbers of Python as a tensor, which the step may change in place: each time anew.
        of_numbers = args[0].clone() if operation is _MADE_OF_NUMBERS else None
        result = operation(*args, **kwargs)
        if of_numbers is not None:
            self._numbers.add(id(of_numbers))
            operation, args = torch.ops.aten.clone.default, (of_numbers,)
        if not self.refusal and getattr(operation, "namespace", "") != "profiler":
            try:
                with torch._C.DisableTorchFunction():  # What is asked here is not the step's.
                    self._write(operation, args, kwargs, result)
            except Exception as error:  # Training goes on.
                self.refusal = _reason(error)
        return result

    def program(self, results: list[torch.Tensor]) -> StepProgram:
        """What was recorded."""
        if self._number:
            raise NotRecordableError("they ask for the value of a tensor")
        self._graph.output([self._node(tensor) for tensor in results])
        _leave_out_copies(self._graph)
        self._graph.eliminate_dead_code()
        numbers = [id(one) in self._numbers for one in self._constants]
        return StepProgram(torch.fx.GraphModule({}, self._graph), self._constants, numbers)

    def _write(self, operation: Any, args: tuple, kwargs: dict, result: Any) -> None:
        if operation is _VALUE:
            self._write_number(args[0], result)
            return
        if _DEPEND_ON_VALUES.intersection(operation.tags):
            raise NotRecordableError(f"the result of {operation} depends on values")
        if torch.Tag.inplace_view in operation.tags:
            raise NotRecordableError(f"{operation} changes the shape of a tensor in place")
        if any(isinstance(one, torch.Generator) for one in tree_leaves((args, kwargs))):
            raise NotRecordableError("they draw random numbers from a generator of their own")
        if self._number and _count(self._number[0], (args, kwargs)) != 1:
            raise NotRecordableError("they ask for the value of a tensor")
        node = self._graph.call_function(operation, *tree_map(self._argument, (args, kwargs)))
        if isinstance(result, torch.Tensor):
            node.meta["kind"] = (result.shape, result.stride(), result.dtype)
            self._keep(result, node)
        elif isinstance(result, tuple | list):
            for place, one in enumerate(result):
                if isinstance(one, torch.Tensor):
                    self._keep(one, self._graph.call_function(operator.getitem, (node, place)))

    def _write_number(self, tensor: torch.Tensor, number: Any) -> None:
        """A number that is read from an argument of PyTorch's function is that of the operation which follows."""
        given = any(one is tensor for one in self._asked.arguments)
        if self._number or not given or not isinstance(number, float):
            raise NotRecordableError("they ask for the value of a tensor")
        self._number = number, self._graph.call_function(_VALUE, (self._node(tensor),))

    def _argument(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._node(value)
        if self._number and isinstance(value, float) and value == self._number[0]:
            (_, node), self._number = self._number, None
            return node
        return value

    def _node(self, tensor: torch.Tensor) -> torch.fx.Node:
        node = self._nodes.get(id(tensor))
        if node is None:
            if _storage(tensor) in self._storages:
                raise NotRecordableError("they see a tensor in another way than by an operation")
            with self._graph.inserting_before(self._first_operation()):
                node = self._graph.placeholder(f"c{len(self._constants)}")
            self._constants.append(tensor)
            self._constant_storages.add(_storage(tensor))
            self._nodes[id(tensor)] = node
            self._kept.append(tensor)
        return node

    def _keep(self, tensor: torch.Tensor, node: torch.fx.Node) -> None:
        known = self._nodes.get(id(tensor))
        self._nodes[id(tensor)] = node
        if known is None:
            self._kept.append(tensor)
            # A view of a constant stays one.
            if _storage(tensor) not in self._constant_storages:
                self._storages.add(_storage(tensor))

    def _first_operation(self) -> torch.fx.Node:
        return next((node for node in self._graph.nodes if node.op != "placeholder"), self._graph._root)


def _leave_out_copies(graph: torch.fx.Graph) -> None:
    """Takes gradients as they are where autograd copies what nothing else uses, because the recorder holds it too."""
    for node in graph.nodes:
        if node.target is _COPY and node.args[0].target is _EMPTY:
            made, source = node.args[:2]
            new = source.op == "call_function" and not _is_view(source)
            alone = len(source.users) == 2 and set(source.users) == {made, node} and len(made.users) == 1
            if new and alone and node.meta["kind"] == source.meta["kind"]:
                node.replace_all_uses_with(source)
                graph.erase_node(node)


def _is_view(node: torch.fx.Node) -> bool:
    if not isinstance(node.target, torch._ops.OpOverload):  # One of several results.
        return True
    return any(one.alias_info is not None for one in node.target._schema.returns)


def _count(number: float, arguments: Any) -> int:
    return sum(isinstance(one, float) and one == number for one in tree_leaves(arguments))


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata
