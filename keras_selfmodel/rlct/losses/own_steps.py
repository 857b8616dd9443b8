"""Training and test steps of a model's own: their loss may be another than the one measured."""

import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import keras
from keras import ops

from keras_selfmodel._classifier_graph import AroundClassifier
from keras_selfmodel._internals.keras import give_back, layers_inside
from keras_selfmodel.transforms.tensors import Tree

# What such a step names where its loss is the one that the model was compiled with; `self.loss` is that itself.
LOSSES_OF_KERAS = frozenset(
    {"compute_loss", "_compute_loss", "compute_loss_and_updates", "stateless_compute_loss", "train_step", "test_step"}
    | {"loss", "compiled_loss"}
)


def loss_of_test_step(model: keras.Model, x: Tree, y: Tree, weights: Tree, samples: int) -> float | None:
    """What `evaluate` computes for some samples where a `test_step` of the model's own does so.

    Args:
        model: A compiled model. Its weights, states and metrics are afterwards as they were.
        x, y, weights: The samples.
        samples: Their number.

    Returns:
        The loss; `None` if Keras's or this package's step computes it, perhaps with an auxiliary loss, if the step
        takes other data or returns no "loss", and where it depends on the samples before.
    """
    if not _is_own(model, "test_step") or any(getattr(layer, "stateful", False) for layer in layers_inside(model)):
        return None
    if isinstance(model, AroundClassifier) and _calls_losses_of_keras(model, model.test_step, set()):
        return None
    variables = (*model.variables, *model.metrics_variables)
    kept = [(variable, ops.convert_to_numpy(variable)) for variable in variables]
    x, y, weights = keras.tree.map_structure(ops.convert_to_numpy, (x, y, weights), none_is_leaf=False)
    found: dict = {}
    # Not what `evaluate` returns: of a step that updates no metric that is what the metrics were before.
    seen = keras.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: found.update(logs))
    try:
        model.evaluate(x, y, sample_weight=weights, batch_size=samples, verbose=0, callbacks=[seen])
        return float(ops.convert_to_numpy(found["loss"]))
    except Exception:  # A step of the user's own takes what it likes, and raises what it likes.
        return None
    finally:
        for variable, value in kept:
            give_back(variable, value)


def trains_on_unknown_loss(model: keras.Model) -> bool:
    """Whether the model has a `train_step` of its own that calls nowhere what computes the compiled loss."""
    return _is_own(model, "train_step") and not _calls_losses_of_keras(model, model.train_step, set())


def _is_own(model: keras.Model, name: str) -> bool:
    """Whether a method, of the class or set on the model, is neither Keras's nor this package's."""
    method = getattr(model, name)
    definer = getattr(inspect.unwrap(method), "__module__", None) or type(method).__module__
    return definer.partition(".")[0] not in ("keras", "keras_selfmodel")


def _calls_losses_of_keras(model: keras.Model, function: Any, seen: set[str]) -> bool:
    """Whether a function does, or one that it calls: of the model, of an object that it holds, or beside it."""
    function = _function(function)
    if not isinstance(function, FunctionType):
        return True  # It cannot be looked into.
    names = set(_names(function.__code__)) - seen
    if not names.isdisjoint(LOSSES_OF_KERAS):
        return True
    seen |= names
    kept = [inspect.getattr_static(model, name, None) for name in names]
    beside = [function.__globals__.get(name) for name in names]
    helpers = [type(one) for one in kept if type(one).__module__ == function.__module__]
    held = [inspect.getattr_static(helper, name, None) for helper in helpers for name in names]
    called = [one for one in map(_function, (*kept, *beside, *held)) if isinstance(one, FunctionType)]
    return any(_calls_losses_of_keras(model, one, seen) for one in called if one.__module__ == function.__module__)


def _function(called: Any) -> Any:
    """The function of a method, also of a static one, or of a property."""
    if isinstance(called, property):
        called = called.fget
    return inspect.unwrap(getattr(called, "__func__", called))


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function uses, and those in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
