"""What is said of a user's loss that fails."""

import itertools
import re
import traceback
from typing import Any

import keras

from keras_selfmodel import transforms
from keras_selfmodel._internals.keras import function_of_loss
from keras_selfmodel._internals.memory import memory_ended
from keras_selfmodel._internals.wrappers import library
from keras_selfmodel.rlct.losses.argument_names import swapped_names, swapped_names_text
from keras_selfmodel.transforms.tensors import Tree

# Words in the errors of functions that ask for values, or for arrays of NumPy, while they are traced.
_SIGNS_OF_TRACING = (
    *("Concretization", "NonConcrete", "Tracer", "vmap:", "doesn't have storage"),
    *("SymbolicTensor", "symbolic tf.Tensor", ".item()", "numpy()"),
)
_LIBRARIES = ("jax", "jaxlib", "keras", "keras_selfmodel", "numpy", "tensorflow", "torch")


def is_of_the_loss(error: Exception, loss: keras.losses.Loss) -> bool:
    """Whether an error that a loss raised is one of a user's function or class, not of the machine.

    Nor is what cannot be computed for all chains at once: they are then sampled one after another.
    """
    if transforms.is_of_batching(error):
        return False
    made_by = function_of_loss(loss) or getattr(loss, "function", type(loss))
    return library(made_by) != "keras" and not isinstance(error, RecursionError) and not memory_ended(error)


def failure_of(loss: keras.losses.Loss, y: Tree, scores: Tree, error: Exception) -> str:
    """What a loss raised, what it was called with, and what may help.

    Args:
        loss: The loss as Keras calls it.
        y: Labels that it was called with.
        scores: Outputs that it was called with.
        error: What it raised.
    """
    said = f"{type(error).__name__}: {str(error).strip()}".removesuffix(".")
    received = ""
    if not keras.tree.is_nested(y) and not keras.tree.is_nested(scores):
        received = (
            f" The labels have the shape {tuple(y.shape)} and the type {loss.dtype}, to which Keras converts them for "
            f"custom losses, the outputs the shape {tuple(scores.shape)}."
        )
    order = (
        "(outputs, labels)"
        if isinstance(getattr(loss, "function", None), transforms.LibraryLoss)
        else "(labels, outputs)"
    )
    return f"The loss is called with {order}, and raises {said}.{received}{_advice(loss, said, error)}"


def described(value: Any) -> str:
    """A value in a few words: of arrays the type and the shape, of others that hold several how many.

    Example:

    >>> described(0.5), described((1, 2))
    ('0.5 of type float', 'tuple of 2')
    """
    kind, shape = type(value).__name__, getattr(value, "shape", None)
    if isinstance(value, list | tuple | dict):
        return f"{kind} of {len(value)}"
    return f"{kind} of shape {tuple(shape)}" if shape else f"{value!r} of type {kind}"


def _advice(loss: keras.losses.Loss, said: str, error: Exception) -> str:
    """To do without values and NumPy, to convert types, to turn the arguments round."""
    if any(word in said for word in _SIGNS_OF_TRACING) or _calls_numpy(error):
        return (
            " It is computed for all chains at once, for which it must do without NumPy and without asking for values, "
            "as by float(...) or if: use keras.ops."
        )
    advice = ""
    if re.search(r"out of (bounds|range)", said):
        advice = " Labels may lie outside the classes."
    elif re.search(r"\b(u?int\d*|integers?|long|dtype|indices)\b", said.lower()):
        advice = " If it takes whole numbers, convert them in it, as by keras.ops.cast(labels, 'int32')."
    turned = swapped_names(loss)
    return advice if turned is None else f"{advice} It {swapped_names_text(*turned)}"


def _calls_numpy(error: Exception) -> bool:
    """Whether the error came up in a call of NumPy that the loss itself made; libraries call it too."""
    names = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    calls = itertools.pairwise(name.partition(".")[0] for name in names)
    return any(called == "numpy" and caller not in _LIBRARIES for caller, called in calls)
