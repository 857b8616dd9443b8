"""Training and test steps that a model's class defines itself: their loss may be another than the one measured."""

from collections.abc import Iterator
from types import CodeType, FunctionType

import keras
from keras import ops

from keras_selfmodel.transforms.tensors import Tree

# What such a step calls where its loss is the one that the model was compiled with.
LOSSES_OF_KERAS = frozenset({"compute_loss", "compute_loss_and_updates", "train_step"})


def loss_of_test_step(model: keras.Model, x: Tree, y: Tree, weights: Tree) -> float | None:
    """What `evaluate` gives for some samples where a `test_step` of the model's own computes it.

    Args:
        model: A compiled model. Its metrics are afterwards as they were.
        x, y, weights: The samples, as one batch.

    Returns:
        The loss; `None` if Keras's step computes it, or the step takes other data or returns no "loss".
    """
    if not _is_own(model, "test_step"):
        return None
    kept = [(variable, ops.convert_to_numpy(variable)) for variable in model.metrics_variables]
    batch = keras.tree.map_structure(ops.convert_to_numpy, (x, y, weights), none_is_leaf=False)
    try:
        model.reset_metrics()
        found = model.test_on_batch(*batch, return_dict=True).get("loss")
    except Exception:  # A step of the user's own raises what it likes.
        return None
    finally:
        for variable, value in kept:
            variable.assign(value)
    return None if found is None else float(found)


def trains_on_unknown_loss(model: keras.Model) -> bool:
    """Whether the model has a `train_step` of its own that does not call what computes the compiled loss."""
    if not _is_own(model, "train_step"):
        return False
    step = type(model).train_step
    return isinstance(step, FunctionType) and LOSSES_OF_KERAS.isdisjoint(_names(step.__code__))


def _is_own(model: keras.Model, name: str) -> bool:
    """Whether a method is neither Keras's nor this package's."""
    definer = next(one for one in type(model).__mro__ if name in vars(one))
    return definer.__module__.partition(".")[0] not in ("keras", "keras_selfmodel")


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function uses, and those in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
