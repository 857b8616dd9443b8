"""The arguments of the estimator, checked and resolved."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import keras

from keras_selfmodel._classifier_graph import answering_weights
from keras_selfmodel._internals.keras import layers_by_path, layers_inside
from keras_selfmodel.transforms.tensors import Tree

WeightChoice: TypeAlias = str | keras.Layer | keras.Variable | Sequence[str | keras.Layer | keras.Variable] | None
"""Weights that are sampled: a layer, a variable, a name of one, or a list of these; `None` for all."""


def check_model(model: Any) -> None:
    """Raises TypeError or ValueError for anything but a built Keras model."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            "model must be a built Keras model, or a torch.nn.Module on the backend torch, or a module of Equinox or "
            f"Flax NNX on jax. Received: {model!r} of type {type(model).__name__} on {keras.config.backend()}"
        )
    if not model.built:
        raise ValueError(
            f"The model does not know its input shape yet: call it on a batch, or start it with keras.Input(shape). "
            f"Received: model={model.name!r}"
        )


def check_inputs(model: keras.Model, x: Tree) -> None:
    """Raises ValueError if arrays do not have the shapes that a functional model takes."""
    number = len(getattr(model, "inputs", None) or [])
    if number and len(keras.tree.flatten(x)) != number and not isinstance(x, dict):
        raise ValueError(
            f"The model takes {number} input{'s' * (number > 1)}. Received: x of {len(keras.tree.flatten(x))} arrays "
            "(data in a list or a tuple are (x, y) or (x, y, sample_weight), and no batches)"
        )
    for name, given, wanted in _inputs(model, x):
        given, wanted = tuple(given.shape), tuple(wanted.shape)
        if len(given) + 1 == len(wanted) and wanted[-1] == 1:  # As in `fit`, (n,) is (n, 1).
            given = (*given, 1)
        if len(given) != len(wanted) or any(w not in (None, g) for g, w in zip(given[1:], wanted[1:], strict=True)):
            raise ValueError(f"The model takes inputs of shape {wanted}. Received: {name} of shape {given}")


def _inputs(model: keras.Model, x: Tree) -> list[tuple[str, Any, Any]]:
    """Name, array and symbolic input of each input that has them."""
    wanted = getattr(model, "inputs", None) or []
    if isinstance(x, dict):
        return [(f"x[{one.name!r}]", x[one.name], one) for one in wanted if one.name in x]
    given = keras.tree.flatten(x)
    return [("x", *pair) for pair in zip(given, wanted, strict=False)]


def resolve_variables(model: keras.Model, weights: WeightChoice) -> list[keras.Variable]:
    """The trainable variables that `weights` names: all for `None`."""
    # What a head inside predicts is no part of the loss that is measured.
    answering = {id(variable) for variable in answering_weights(model)}
    trainable = [variable for variable in model.trainable_variables if id(variable) in answering]
    if not trainable:
        raise ValueError("The model has no trainable weights to sample: set layer.trainable = True where it should.")
    if weights is None:
        return trainable
    if isinstance(weights, (str, bytes, keras.Layer, keras.Variable)):
        weights = [weights]
    layers = layers_by_path(model)
    chosen: list[keras.Variable] = []
    for one in weights if isinstance(weights, Iterable) else [weights]:
        one = _named(one, layers, trainable) if isinstance(one, str) else one
        found = one.trainable_variables if isinstance(one, keras.Layer) else [one]
        if not found or not all(any(v is t for t in trainable) for v in found):
            raise ValueError(
                "weights must name layers or trainable variables of the model: layers "
                f"{', '.join(path for path, found in layers.items() if any(of.trainable_variables for of in found))}; "
                f"variables {', '.join(dict.fromkeys(v.path for v in trainable))}. "
                f"Received: {getattr(one, 'name', one)!r}"
            )
        chosen += found
    if not chosen:
        raise ValueError("weights is empty: name a layer or a variable, or leave it out to sample all.")
    return chosen


def _named(name: str, layers: dict[str, list[keras.Layer]], trainable: list[keras.Variable]) -> Any:
    """The layer or else the variable of a name; the name itself where there is neither.

    Args:
        name: The path of a layer, the end of one, as its name is, or the path of a variable.
        layers: The layers by their paths.
        trainable: The variables.

    Raises:
        ValueError: If several have it.
    """
    paths = [name] if name in layers else [path for path in layers if path.endswith(f"/{name}")]
    of_layers = {id(layer): layer for path in paths for layer in layers[path]}
    found = list(of_layers.values()) or [variable for variable in trainable if variable.path == name]
    if len(found) > 1:
        kind = f"layers: {', '.join(paths)}" if of_layers else "variables"
        hint = "Give its path, or pass the layer itself" if len(paths) > 1 else "Pass the one that is meant itself"
        raise ValueError(f"{name!r} is ambiguous: it names {len(found)} {kind}. {hint}. Received: weights={name!r}")
    return found[0] if found else name


def doubt_about_codes(model: keras.Model) -> tuple[str, ...]:
    """A sentence about a quantized model, the codes of whose kernels are not sampled; none about another.

    Nor about one with LoRA, of which it is known that nothing else is trained.
    """
    layers = layers_inside(model)
    names = [layer.name for layer in layers if layer.quantization_mode not in (None, "float8")]
    if not names or any(getattr(layer, "lora_enabled", False) for layer in layers):
        return ()
    return (
        f"The kernels of {', '.join(names)} are quantized and stay as they are: sampled are the other weights alone. "
        "Measure the network as it was before quantize.",
    )


def chosen_weights(names: list[str], weights: WeightChoice) -> list[bool]:
    """Which of the weights of these names, such as "hidden.weight", are meant: all for `None`."""
    if not names:
        raise ValueError("The module has no trainable weights to sample: none that requires a gradient.")
    if weights is None:
        return [True] * len(names)
    wanted = list(weights) if isinstance(weights, Iterable) and not isinstance(weights, (str, bytes)) else [weights]
    for one in wanted:
        if not isinstance(one, str) or not any(_is_of(name, one) for name in names):
            raise ValueError(
                f"weights must name weights of the module, or parts of it: {', '.join(names)}. Received: {one!r}"
            )
    if not wanted:
        raise ValueError("weights is empty: name a weight or a part, or leave it out to sample all.")
    return [any(_is_of(name, one) for one in wanted) for name in names]


def check_outputs(outputs: Any, loss: Any) -> None:
    """Raises ValueError if a module's outputs are not the one tensor, or those, that a loss is computed from."""
    leaves = keras.tree.flatten(outputs)
    if all(hasattr(leaf, "shape") for leaf in leaves) and (
        len(leaves) == 1 or loss is None or keras.tree.is_nested(loss)
    ):
        return
    held = f" of {', '.join(type(one).__name__ for one in outputs)}" if isinstance(outputs, (list, tuple)) else ""
    raise ValueError(
        "The loss is computed from one tensor, (batch, ...), that the module returns. Wrap the module in one that "
        "returns that tensor alone, or pass loss= as a structure like that of the outputs. Received: a module that "
        f"returns a {type(outputs).__name__}{held}"
    )


def _is_of(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")
