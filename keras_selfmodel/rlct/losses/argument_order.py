"""Whether a loss is called with labels and outputs in the order that it has them in.

Keras calls losses with (labels, outputs), PyTorch and Optax with (outputs, labels). Most losses make a number of either
order, so that the wrong one shows nowhere but in what the arguments are called.
"""

import functools
import re
from typing import Any, Literal

import keras
from keras import ops

from keras_selfmodel._internals.wrappers import first_two, innermost, library
from keras_selfmodel.rlct.losses.sample_loss import losses_of
from keras_selfmodel.transforms import LibraryLoss
from keras_selfmodel.transforms.tensors import Tensor, Tree

# Words in names of arguments: of what is computed, and of what is right. They tell more than those below.
COMPUTED = frozenset(
    "computed estimate estimated forecast hat logit logits mean mu pred predicted prediction predictions preds prob "
    "probabilities probs score scores yhat yp ypred".split()
)
RIGHT = frozenset("actual gt true truth yt ytrue".split())
OUTPUTS = frozenset("input inputs o out output outputs".split())
LABELS = frozenset("label labels t target targets tgt y".split())


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
    called = ["labels", "outputs"]
    given = getattr(loss, "function", loss)
    if isinstance(given, LibraryLoss):
        given, called = given.whole, called[::-1]
    found = innermost(given)
    # Called as their library has it.
    if library(found.function) in ("torch", "optax"):
        return ()
    inside = found.function
    for method in ("call", "forward") if not isinstance(inside, type) else ():
        inside = getattr(inside, method, inside)
    inside = functools.partial(inside, *found.args, **found.keywords)
    # The outermost that names its arguments is the one that is called.
    outer = () if isinstance(given, keras.losses.Loss) else (given, *found.wrappers)
    names = next(filter(None, map(first_two, (*outer, inside))), [])
    if list(map(_meaning, names)) != called[::-1] or _is_symmetric(loss, y, scores):
        return ()
    return (
        f"The loss is called with ({', '.join(called)}), but calls its arguments ({', '.join(names)}). If it takes the "
        f"{called[1]} first, turn them round. Received: {name_of_loss(found.function)}",
    )


def name_of_loss(loss: Any) -> str:
    if isinstance(loss, str):
        return loss
    loss = getattr(loss, "function", loss)
    return getattr(loss, "name", None) or getattr(loss, "__name__", None) or type(loss).__name__


def _meaning(name: str) -> Literal["outputs", "labels"] | None:
    """What an argument of this name is, "y_pred" and "studentLogits" among them; `None` if the name does not say."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    for outputs, labels in ((COMPUTED, RIGHT), (OUTPUTS, LABELS)):
        found = bool(words & outputs), bool(words & labels)
        if any(found):
            return None if all(found) else "outputs" if found[0] else "labels"
    return None


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
