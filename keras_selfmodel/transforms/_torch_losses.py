"""Losses of PyTorch, called as Keras calls losses."""

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras
import torch

from keras_selfmodel._callables import takes
from keras_selfmodel._internals.wrappers import author, innermost, library
from keras_selfmodel.transforms._network import LibraryLoss, check_order_is_known
from keras_selfmodel.transforms.tensors import Tensor

# Losses whose labels have the shape of the outputs and are numbers of classes all the same.
_OF_CLASSES_IN_A_ROW = ("MultiLabelMarginLoss", "multilabel_margin_loss")
# Those whose mean is one over the weights of the labels' classes.
_MODULES_OF_CLASSES, _FUNCTIONS_OF_CLASSES = (
    (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss),
    ("cross_entropy", "nll_loss"),
)
# As PyTorch's built-in functions take them.
_REDUCTIONS = {0: "none", 1: "mean", 2: "sum"}


def keras_loss(loss: Any) -> Any:
    """PyTorch's losses take the outputs first, class numbers as integers, and reduce by themselves."""
    if keras.tree.is_nested(loss):
        return keras.tree.map_structure(keras_loss, loss)
    found = innermost(loss)
    function, args, given = found.function, found.args, found.keywords
    as_it_is = not all(map(_only_calls, found.wrappers))
    if isinstance(function, torch.nn.Module) and not isinstance(function, keras.losses.Loss):
        name, called = type(function).__name__, function.forward
        each: Any = function if as_it_is else functools.partial(_without_reduction(function), *args, **given)
        settings = vars(function) | dict(function.named_buffers(recurse=False))
        weighs_classes = isinstance(function, _MODULES_OF_CLASSES)
    elif _is_of_torch(function):
        name, called = _name(function), function
        known = _name_in_functional(name)
        name, as_it_is = known or name, as_it_is or known is None
        given = _with_one_reduction(given)
        each = functools.partial(
            function, *args, **given | {"reduction": "none" if inspect.isfunction(function) else 0}
        )
        reduction = given.get("reduction", "mean")
        settings = given | {"reduction": _REDUCTIONS.get(reduction, reduction)}
        weighs_classes = known in _FUNCTIONS_OF_CLASSES
    else:
        return loss
    check_order_is_known(loss, found)
    if not takes(functools.partial(called, *args, **given), 2):
        raise ValueError(
            f"{name} takes more than the outputs and the labels of samples. Pass a function (labels, outputs) that "
            f"calls it and returns a number for each sample, or take rlct.estimate_of_function. Received: loss={loss!r}"
        )
    if as_it_is:
        # It may return something else than the loss inside. Where that is one number for a batch, it is compared with
        # the mean over the samples.
        return _AsKeras(loss, loss, name, "none", None)
    reduction = settings.get("reduction", "mean")
    # The mean of what is not reduced is one over the samples, whatever their classes weigh.
    weight = None if reduction == "none" else settings.get("weight")
    ignoring = {"weight": weight, "ignore_index": settings.get("ignore_index", -100)}
    reduced = functools.partial(function, *args, **given)
    return _AsKeras(reduced, each, name, reduction, ignoring if weighs_classes else None)


def _only_calls(wrapper: Any) -> bool:
    """Whether a wrapper of PyTorch compiles what it wraps, or sets a mode for it: the losses are the same without it.

    With it `torch.compile` would compile the loss anew for the chains, in minutes, `torch.no_grad` would leave nothing
    to sample by, and `torch.autocast` would round. What `torch.func` transforms is another function.
    """
    by = author(wrapper)
    return by.startswith("torch.") and not by.startswith("torch._functorch.")


def _is_of_torch(function: Any) -> bool:
    # A traced function is taken for a user's: nothing says what it was made of.
    return library(function) == "torch" and not isinstance(function, type | torch.jit.ScriptFunction)


def _name(function: Any) -> str:
    """That of a function, without the overload that is meant."""
    return getattr(function, "__name__", type(function).__name__).partition(".")[0]


def _name_in_functional(name: str) -> str | None:
    """The name in `torch.nn.functional` of a loss, or of the built-in function inside it; `None` if it is no loss."""
    for one in (name, name.removesuffix("_loss")):
        theirs = getattr(torch.nn.functional, one, None)
        if inspect.isfunction(theirs) and "reduction" in inspect.signature(theirs).parameters:
            return one
    return None


def _with_one_reduction(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a loss, with the reduction by its present name."""
    # What PyTorch called the reduction before overrides it.
    averages, reduces = (given.get(name) for name in ("size_average", "reduce"))
    given = {name: value for name, value in given.items() if name not in ("size_average", "reduce")}
    if averages is not None or reduces is not None:
        given["reduction"] = "none" if reduces is False else "sum" if averages is False else "mean"
    return given


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
        given: The loss, with the reduction that its user chose.
        each: The same without a reduction.
        name: Its name.
        reduction: As of `LibraryLoss`.
        settings: Of cross-entropies the weights of classes and the class that is ignored.
    """

    def __init__(self, given: Callable, each: Callable, name: str, reduction: str, settings: dict | None) -> None:
        self.__name__, self.reduction = name, reduction
        self.given, self._each, self._settings = given, each, settings

    def __call__(self, y: Tensor, outputs: Tensor) -> Tensor:
        return self._called(self._each, y, outputs)

    def reduced(self, y: Tensor, outputs: Tensor) -> Tensor | None:
        """The loss of a batch as PyTorch reduces it; `None` if it does not."""
        found = self._called(self.given, y, outputs)
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

    def _called(self, loss: Callable, y: Tensor, outputs: Tensor) -> Any:
        try:
            return loss(outputs, self._labels(y, outputs))
        except TypeError as error:  # What built-in functions take is known when they are called.
            raise ValueError(
                f"{self.__name__} cannot be called with the outputs and the labels of samples: {error}. Pass a "
                "function (labels, outputs) that calls it and returns a number for each sample"
            ) from error

    def _labels(self, y: Tensor, outputs: Tensor) -> Any:
        """Labels in the types that PyTorch wants: numbers of classes whole, all others as the outputs."""
        if self.__name__ in _OF_CLASSES_IN_A_ROW or (y.ndim < outputs.ndim and outputs.shape[1] > 1):
            return y.long()
        return y.reshape(outputs.shape).to(outputs.dtype)
