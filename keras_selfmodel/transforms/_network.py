"""Networks of the backend's own library as functions of their weights."""

from collections.abc import Callable
from typing import NamedTuple


class Network(NamedTuple):
    """A network that is no Keras model.

    Attributes:
        names: Names of the weights, in their order.
        weights: Arrays, dense kernels and those of convolutions in Keras's order of axes: one seed draws the same
            noise for them as for the same network in Keras.
        other: What else the outputs depend on: frozen weights, and what training changes.
        call: `function(weights, other, x, training) -> (outputs, other)`.
        keras_loss: `function(loss)` that makes the library's own losses, which take outputs first, Keras's; others are
            returned as they are.
        draws: Whether the network draws random numbers in training mode.
    """

    names: list[str]
    weights: list
    other: list
    call: Callable
    keras_loss: Callable
    draws: bool
