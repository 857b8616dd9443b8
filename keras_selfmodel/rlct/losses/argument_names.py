"""What the arguments of a loss are called, and whether that contradicts the order in which it is called with them.

Keras calls losses with (labels, outputs), PyTorch and Optax with (outputs, labels). Most losses make a number of either
order, so that the wrong one shows nowhere but in what the arguments are called.
"""

import functools
import re
from typing import Any, Literal

import keras

from keras_selfmodel._internals.wrappers import first_two, innermost, library
from keras_selfmodel.transforms import LibraryLoss

# Words in names of arguments, those of outputs and those of labels, from clear to vague. Where a name has some of one
# line, as "predicted_labels", "true_output" and "y_pred" do, the lines below do not count.
_WORDS = (
    (
        "approx computed est estimate estimated forecast guess hat logit logits logp logprob logprobs mean mu pred "
        "predicted prediction predictions preds prob proba probabilities probs recon reconstructed reconstruction "
        "score scores student yhat yp ypred",
        "actual answer correct exact expected gold gt obs observed orig original real ref reference teacher true truth "
        "yt ytrue",
    ),
    ("input inputs model net o out output outputs p x", "class classes cls data ids label labels t target targets tgt"),
    ("", "y"),
)
_SETS = tuple((frozenset(outputs.split()), frozenset(labels.split())) for outputs, labels in _WORDS)


def swapped_names(loss: Any) -> tuple[list[str], list[str]] | None:
    """What the loss is called with and what it calls its arguments, where these are turned round; else `None`.

    Args:
        loss: A loss of Keras, a function that is one, or a loss of the backend's library.
    """
    called = ["labels", "outputs"]
    given = getattr(loss, "function", loss)
    if isinstance(given, LibraryLoss):
        given, called = given.given, called[::-1]
    found = innermost(given)
    # Called as their library has it.
    if library(found.function) in ("torch", "optax"):
        return None
    inside = found.function
    for method in ("call", "forward") if not isinstance(inside, type) else ():
        inside = getattr(inside, method, inside)
    inside = functools.partial(inside, *found.args, **found.keywords)
    # The outermost that names its arguments is the one that is called.
    outer = () if isinstance(given, keras.losses.Loss) else (given, *found.wrappers)
    names = next(filter(None, map(first_two, (*outer, inside))), [])
    return (called, names) if list(map(_meaning, names)) == called[::-1] else None


def swapped_names_text(called: list[str], names: list[str]) -> str:
    """What a loss with such names does, and what to do, as the end of a sentence and another one."""
    return f"calls its arguments ({', '.join(names)}). If it takes the {called[1]} first, turn them round."


def _meaning(name: str) -> Literal["outputs", "labels"] | None:
    """What an argument of this name is, "y_pred" and "studentLogits" among them; `None` if the name does not say."""
    parts = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    for outputs, labels in _SETS:
        found = bool(parts & outputs), bool(parts & labels)
        if any(found):
            return None if all(found) else "outputs" if found[0] else "labels"
    return None
