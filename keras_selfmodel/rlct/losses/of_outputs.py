"""Which output of a model a loss, labels or weights are meant for, where they say so by names or in a list."""

from typing import Any

import keras

from keras_selfmodel.transforms.tensors import Tree


def check_names(what: str, given: Any, measured: keras.Model | None, scores: Tree) -> None:
    """Raises ValueError if what is given for outputs by their names has one that no output has.

    Args:
        what: What it is.
        given: A loss, or weights; for several outputs in a dictionary or a list.
        measured: The model that is measured; `None`: no Keras model.
        scores: Its outputs.
    """
    if not isinstance(given, dict):
        return
    known = set(scores if isinstance(scores, dict) else getattr(measured, "output_names", None) or ())
    if isinstance(measured, keras.Sequential):
        known = {measured.layers[-1].name}
    unknown = [name for name in given if isinstance(name, str) and name not in known]
    if unknown:
        allowed = f"of outputs of the model: {', '.join(sorted(known))}" if known else "a list: outputs have no names"
        raise ValueError(f"{what} must be {allowed}. Received: {what} for {unknown[0]!r}")


def check_numbers(x: Tree, y: Tree, weights: Tree, measured: keras.Model | None, scores: Tree) -> None:
    """Raises ValueError for more labels or weights than the model has outputs, of which some would not count.

    Args:
        x: Inputs of some samples; a list of batches may have been read as inputs and labels.
        y: Labels, a tree of arrays.
        weights: Sample weights, a tree of arrays, or `None`.
        measured: As of `check_names`.
        scores: As of `check_names`.
    """
    outputs = len(keras.tree.flatten(scores))
    check_names("sample_weight", weights, measured, scores)
    for what, tree in {"y": y, "sample_weight": weights}.items():
        number = len(keras.tree.flatten(tree))
        # Weights of a list are known by their places, where others of it are left out.
        number = max(number, *(n + 1 for n in tree if isinstance(n, int)), 0) if isinstance(tree, dict) else number
        if isinstance(scores, dict) and outputs > 1 and keras.tree.is_nested(tree):
            if not isinstance(tree, dict) or any(isinstance(name, int) for name in tree):
                raise ValueError(
                    f"{what} must be a dictionary by the names of the model's outputs, {', '.join(sorted(scores))}. "
                    "Received: a list"
                )
        if number > outputs:
            kind = "a data set of batches must not be a list or a tuple, which is (x, y) or (x, y, sample_weight)"
            hint = f" ({kind})" if isinstance(x, (list, tuple)) else ""
            raise ValueError(
                f"{what} must have an array for each of the model's {outputs} output{'s' * (outputs > 1)}{hint}. "
                f"Received: {number} arrays"
            )
