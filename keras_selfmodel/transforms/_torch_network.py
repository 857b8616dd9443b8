"""A `torch.nn.Module` as a function of its weights."""

import copy
import functools
import inspect
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import torch

from keras_selfmodel._callables import takes
from keras_selfmodel._internals.torch import uncompiled
from keras_selfmodel.transforms._network import LibraryLoss, Network, keras_axes, library_axes
from keras_selfmodel.transforms.tensors import AnyModel, Tensor

# Layers whose weights are stored as (out, in, ...), where Keras has (..., in, out).
_TURNED = (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
_RANDOM = (
    torch.nn.Dropout,
    torch.nn.Dropout1d,
    torch.nn.Dropout2d,
    torch.nn.Dropout3d,
    torch.nn.AlphaDropout,
    torch.nn.FeatureAlphaDropout,
    torch.nn.RReLU,
)
# Losses whose labels have the shape of the outputs and are numbers of classes all the same.
_OF_CLASSES_IN_A_ROW = ("MultiLabelMarginLoss", "multilabel_margin_loss")
_MODULE_OR_METHOD = (torch.nn.Module, types.MethodType)
# Those whose mean is one over the weights of the labels' classes.
_OF_CLASSES = (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss)


def network(model: AnyModel) -> Network | None:
    if not isinstance(model, torch.nn.Module) or isinstance(model, (keras.Layer, keras.Variable)):
        return None
    if isinstance(model, torch.jit.ScriptModule):
        raise ValueError(
            "model is a TorchScript module, whose weights cannot be replaced. Pass the torch.nn.Module that "
            "it was made of"
        )
    # What torch.compile returns would be compiled anew for the chains, in minutes.
    model = uncompiled(model)
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    turned = {id(layer.weight) for layer in model.modules() if isinstance(layer, _TURNED)}
    names = [name for name, parameter in parameters.items() if parameter.requires_grad]
    turns = [id(parameters[name]) in turned for name in names]
    kept = {name: p for name, p in parameters.items() if not p.requires_grad} | buffers

    def call(weights, other, x, training):
        tensors = {n: _as_torch(w) if turn else w for n, w, turn in zip(names, weights, turns, strict=True)}
        # Batch norm changes its statistics in place.
        others = {name: value.clone() if training else value for name, value in zip(kept, other, strict=True)}
        args, kwargs = ((), x) if isinstance(x, dict) else (tuple(x) if isinstance(x, (list, tuple)) else (x,), {})
        with _mode(model, training):
            outputs = torch.func.functional_call(model, {**tensors, **others}, args, kwargs)
        return outputs, list(others.values())

    weights = [_value(parameters[name]) for name in names]
    weights = [_as_keras(weight) if turn else weight for weight, turn in zip(weights, turns, strict=True)]
    return Network(
        names=names,
        weights=weights,
        other=[_value(value) for value in kept.values()],
        call=call,
        keras_loss=_keras_loss,
        draws=any(isinstance(layer, _RANDOM) for layer in model.modules()),
    )


def _as_keras(weight: Tensor) -> Any:
    """(out, in, ...) as (..., in, out)."""
    return weight.permute(*keras_axes(weight.ndim)).contiguous()


def _as_torch(weight: Tensor) -> Any:
    """(..., in, out) as (out, in, ...)."""
    return weight.permute(*library_axes(weight.ndim))


def _value(tensor: torch.Tensor) -> torch.Tensor:
    value = tensor.detach()
    return keras.ops.convert_to_tensor(value.float() if value.is_floating_point() else value)


@contextmanager
def _mode(model: torch.nn.Module, training: bool) -> Iterator[None]:
    """The module in training or evaluation mode, and each of its parts as it was before afterwards."""
    before = [(part, part.training) for part in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for part, was in before:
            part.training = was


def _keras_loss(loss: Any) -> Callable:
    """PyTorch's losses take the outputs first, class numbers as integers, and reduce by themselves."""
    if keras.tree.is_nested(loss):
        return keras.tree.map_structure(_keras_loss, loss)
    loss = _innermost_module(loss)
    function: Any = loss
    positional: tuple = ()
    given: dict[str, Any] = {}
    while isinstance(function, functools.partial):
        function, positional, given = function.func, function.args + positional, {**function.keywords, **given}
    if isinstance(loss, torch.nn.Module) and not isinstance(loss, keras.losses.Loss):
        each = _without_reduction(loss)
        name = type(loss).__name__
        weighs_classes = isinstance(loss, _OF_CLASSES)
        given = vars(loss) | dict(loss.named_buffers(recurse=False))
    elif getattr(function, "__module__", None) == "torch.nn.functional":
        # What PyTorch called the reduction before overrides it.
        averages, reduces = (given.pop(name, None) for name in ("size_average", "reduce"))
        if averages is not None or reduces is not None:
            given["reduction"] = "none" if reduces is False else "sum" if averages is False else "mean"
        loss = functools.partial(function, *positional, **given)
        each = functools.partial(loss, reduction="none")
        name = function.__name__
        weighs_classes = name in ("cross_entropy", "nll_loss")
    else:
        return loss
    if not takes(loss.forward if isinstance(loss, torch.nn.Module) else loss, 2):
        raise ValueError(
            f"{name} takes more than the outputs and the labels of samples. Pass a function (labels, outputs) that "
            f"calls it and returns a number for each sample, or take rlct.estimate_of_function. Received: loss={loss!r}"
        )
    settings = {"weight": given.get("weight"), "ignore_index": given.get("ignore_index", -100)}
    return _AsKeras(loss, each, name, given.get("reduction", "mean"), settings if weighs_classes else None)


def _innermost_module(loss: Any) -> Any:
    """The module that is called in the end: that of a method, inside what compiles it or runs it on several devices."""
    while True:
        holder: Any = getattr(loss, "__self__", None) if inspect.ismethod(loss) else None
        plain_partial = isinstance(loss, functools.partial) and not (loss.args or loss.keywords)
        if isinstance(holder, torch.nn.Module) and loss.__func__ in (type(holder).forward, type(holder).__call__):
            loss = holder
        elif inspect.isfunction(loss) and isinstance(inspect.unwrap(loss), _MODULE_OR_METHOD) and _is_of_torch(loss):
            loss = inspect.unwrap(loss)  # The `forward` of what torch.compile returns.
        elif plain_partial and isinstance(loss.func, _MODULE_OR_METHOD):
            loss = loss.func
        elif isinstance(loss, torch.nn.Module) and uncompiled(loss) is not loss:
            loss = uncompiled(loss)
        elif isinstance(loss, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            loss = loss.module
        else:
            return loss


def _is_of_torch(function: Any) -> bool:
    """Whether PyTorch wrote a function: `__module__` may be that of what it wraps."""
    return str(function.__globals__.get("__name__")).startswith("torch.")


def _without_reduction(loss: torch.nn.Module) -> Any:
    """A copy of a loss that returns that of each entry."""
    if isinstance(loss, torch.jit.ScriptModule):
        if hasattr(loss, "reduction"):
            raise ValueError(
                "loss is a TorchScript module, whose reduction cannot be turned off. Pass the torch.nn.Module that it "
                f"was made of. Received: loss={loss!r}"
            )
        return loss
    each = copy.copy(loss)
    # Past `__setattr__`, by which a wrapper may pass it on to the loss that the user goes on training with.
    vars(each)["reduction"] = "none"
    return each


class _AsKeras(LibraryLoss):
    """A loss of PyTorch, called as Keras calls losses: that of each entry.

    Args:
        loss: The loss, with the reduction that its user chose.
        each: The same without a reduction.
        name: Its name.
        reduction: As of `LibraryLoss`.
        settings: Of cross-entropies the weights of classes and the class that is ignored.
    """

    def __init__(self, loss: Callable, each: Callable, name: str, reduction: str, settings: dict | None) -> None:
        self.__name__, self.reduction = name, reduction
        self._loss, self._each, self._settings = loss, each, settings

    def __call__(self, y: Tensor, outputs: Tensor) -> Tensor:
        return self._each(outputs, self._labels(y, outputs))

    def reduced(self, y: Tensor, outputs: Tensor) -> Tensor | None:
        """The loss of a batch as PyTorch reduces it; `None` if it does not."""
        found = self._loss(outputs, self._labels(y, outputs))
        return None if found.ndim else found

    def entries(self, y: Tensor, outputs: Tensor) -> Tensor | None:
        """What each entry adds to the denominator of PyTorch's mean; `None` if that is 1."""
        labels = self._labels(y, outputs)
        if self._settings is None or labels.is_floating_point():
            return None  # Of probabilities as labels it is 1 too.
        counts = (labels != self._settings["ignore_index"]).to(outputs.dtype)
        weight = self._settings["weight"]
        if weight is None:
            return counts
        return counts * weight.to(outputs)[labels.clamp(0, len(weight) - 1)]

    def _labels(self, y: Tensor, outputs: Tensor) -> Any:
        """Labels in the types that PyTorch wants: numbers of classes whole, all others as the outputs."""
        if self.__name__ in _OF_CLASSES_IN_A_ROW or (y.ndim < outputs.ndim and outputs.shape[1] > 1):
            return y.long()
        return y.reshape(outputs.shape).to(outputs.dtype)
