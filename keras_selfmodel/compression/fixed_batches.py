"""Models that are made for batches of one size."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from keras_selfmodel._internals.keras import layers_inside


def states_of(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """The states that recurrent layers carry from call to call (`stateful=True`), by the names of the layers."""
    recurrent = [layer for layer in layers_inside(model) if isinstance(layer, keras.layers.RNN) and layer.stateful]
    found = {layer.name: keras.tree.flatten(layer.states) for layer in recurrent if layer.states is not None}
    return {name: states for name, states in found.items() if states}


def fixed_batch_size(model: keras.Model) -> int | None:
    """How many samples a batch must have, or is declared to have by `keras.Input`; `None` for any number."""
    for states in states_of(model).values():
        return int(states[0].shape[0])
    sizes = [tensor.shape[0] for tensor in getattr(model, "inputs", None) or ()]
    return next((size for size in sizes if size is not None), None)


def check_batches(model: keras.Model, samples: int, batch_size: int) -> None:
    """Raises ValueError if a model that carries states from call to call gets batches of another size than these.

    A backend may broadcast them against each other, and give scores of samples that do not exist.
    """
    for name, states in states_of(model).items():
        size = int(states[0].shape[0])
        if min(batch_size, samples) != size or samples % size:
            raise ValueError(
                f"Layer {name!r} carries the states of {size} samples from batch to batch (stateful=True): every batch "
                f"must have {size}. Pass batch_size={size} and {size} samples, or a multiple of {size}. Received: "
                f"batch_size={batch_size}, {samples} samples"
            )


@contextmanager
def named_if_fixed(model: keras.Model, samples: int) -> Iterator[None]:
    """Within it, an error of a model that is declared for batches of another size says so."""
    try:
        yield
    except Exception as error:  # whatever a layer or a backend makes of the batch
        size = fixed_batch_size(model)
        if size in (None, samples):
            raise
        raise ValueError(
            f"{model.name!r} is made for batches of {size} samples (its keras.Input has batch_size={size}). Pass "
            f"batch_size={size} and {size} samples, or a multiple of {size}. Received: a batch of {samples} samples; "
            f"{type(error).__name__}: {error}"
        ) from error
