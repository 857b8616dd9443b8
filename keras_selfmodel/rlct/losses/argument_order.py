"""Whether a loss is called with labels and outputs in the order in which it takes them."""

from typing import Any

import keras
from keras import ops

from keras_selfmodel._internals.wrappers import innermost, library
from keras_selfmodel.rlct.losses.argument_names import swapped_names, swapped_names_text
from keras_selfmodel.rlct.losses.sample_loss import losses_of
from keras_selfmodel.transforms.tensors import Tensor, Tree


def check_order(loss: Any) -> None:
    """Raises ValueError for a loss of a library that hands the outputs over before the labels."""
    function = innermost(loss).function
    of = library(function)
    # A traced function is taken for a user's: nothing says what it was made of.
    if of in ("torch", "optax") and type(function).__name__ != "ScriptFunction":
        raise ValueError(
            f"A Keras model takes a loss of Keras, which is called with (labels, outputs); one of {of} takes them "
            "the other way round. Pass keras.losses..., or a function (labels, outputs) that calls it and returns a "
            f"number for each sample. Received: {name_of_loss(function)} of {of}"
        )


def doubt_about_order(loss: keras.losses.Loss, y: Tree, scores: Tensor) -> tuple[str, ...]:
    """What is said of a loss whose arguments bear the names of outputs and labels, in another order than it gets them.

    Args:
        loss: The loss as Keras calls it.
        y: Labels of at least as many samples as there are outputs.
        scores: Outputs of some samples.
    """
    turned = swapped_names(loss)
    if turned is None or _is_symmetric(loss, y, scores):
        return ()
    called, names = turned
    inside = innermost(getattr(loss, "function", loss)).function
    return (
        f"The loss is called with ({', '.join(called)}), but {swapped_names_text(called, names)} Received: "
        f"{name_of_loss(inside)}",
    )


def name_of_loss(loss: Any) -> str:
    if isinstance(loss, str):
        return loss
    loss = getattr(loss, "function", loss)
    return getattr(loss, "name", None) or getattr(loss, "__name__", None) or type(loss).__name__


def _is_symmetric(loss: keras.losses.Loss, y: Tree, scores: Tensor) -> bool:
    """Whether labels and outputs may be exchanged, as in a squared error."""
    if keras.tree.is_nested(y) or tuple(y.shape)[1:] != tuple(scores.shape)[1:]:
        return False
    labels, outputs = (ops.cast(one[: scores.shape[0]], keras.config.floatx()) for one in (y, scores))
    try:
        one, other = (ops.convert_to_numpy(losses_of(loss, *pair)) for pair in ((labels, outputs), (outputs, labels)))
    except Exception:  # Of whatever kind: a loss that fails in the other order is not symmetric.
        return False
    return one.shape == other.shape and bool(ops.all(ops.isclose(one, other, 1e-5)))
