"""Whether a user's network is a classifier that can be trained and measured here."""

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph, final_kernel

NORMALIZING = ("softmax", "sigmoid", "hard_sigmoid")


def check_classifier(model: object, input_shape: tuple[int, ...], classes: int, origin: str) -> None:
    """Makes sure that a network takes the samples, and returns one raw score for each class.

    Args:
        model: The network.
        input_shape: Shape of one sample.
        classes: Number of classes.
        origin: Where it comes from, for the error.

    Raises:
        ValueError: If it does not.

    Example:

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax", name="scores")])
    >>> check_classifier(model, (4,), 3, "my.keras")
    Traceback (most recent call last):
    ...
    ValueError: my.keras must return raw scores, because the loss takes the softmax of them. Leave out the softmax.
    Received: 'scores' ends in softmax.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"{origin} must be a keras.Model. Received: {type(model).__name__}")
    functional = ClassifierGraph(model).functional
    if len(functional.outputs) != 1:
        raise ValueError(f"{origin} must have one output, the scores. Received: {len(functional.outputs)}")
    try:
        _ = ClassifierGraph(model).final_call  # The one that training finds.
        final_kernel(model)
    except ValueError as error:
        raise ValueError(f"{origin} must end in a single layer that computes the scores. {error}") from error
    if len(functional.inputs) != 1:
        raise ValueError(f"{origin} must have one input. Received: {len(functional.inputs)}")
    shape = tuple(functional.inputs[0].shape[1:])
    fits = len(shape) == len(input_shape) and all(s in (None, n) for s, n in zip(shape, input_shape, strict=True))
    if not fits:
        raise ValueError(f"{origin} must take samples of shape {tuple(input_shape)}. Received: it takes {shape}")
    scores = tuple(functional.outputs[0].shape[1:])
    if scores != (classes,):
        raise ValueError(
            f"{origin} must return one score for each of the {classes} classes, shape ({classes},). Received: shape "
            f"{scores}"
        )
    ending = _normalizing_end(model)
    if ending is not None:
        raise ValueError(
            f"{origin} must return raw scores, because the loss takes the softmax of them. Leave out the "
            f"{ending[1]}. Received: {ending[0]!r} ends in {ending[1]}."
        )


def _normalizing_end(model: keras.Model) -> tuple[str, str] | None:
    """The layer that turns scores into probabilities, and how, if there is one at the end."""
    last = ClassifierGraph.of(model).last_operation
    # Layers and operations of that kind, such as keras.layers.Softmax and keras.ops.softmax.
    for name in (getattr(getattr(last, "activation", None), "__name__", ""), type(last).__name__.lower()):
        if name in NORMALIZING:
            return last.name, name
    return None
