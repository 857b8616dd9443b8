"""Networks and losses of the backend's own library."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from keras_selfmodel._internals.wrappers import Innermost, first_two
from keras_selfmodel.transforms.tensors import Tensor


@runtime_checkable
class LibraryLoss(Protocol):
    """A loss of the backend's own library, called as Keras calls losses: it returns the loss of each entry.

    Attributes:
        given: The loss as its user passed it, which takes outputs first.
        reduction: What the library makes of the losses of a batch: their "mean" or "sum", the "batchmean" of the sums
            over each sample's entries, or "none".
    """

    given: Callable
    reduction: str

    def __call__(self, y: Tensor, outputs: Tensor) -> Any: ...

    def reduced(self, y: Tensor, outputs: Tensor) -> Any:
        """The loss of a batch as the library reduces it, a scalar; `None` if its user turned the reduction off."""

    def entries(self, y: Tensor, outputs: Tensor) -> Any:
        """What each entry adds to the denominator of the library's mean; `None` if that is 1."""


class Network(NamedTuple):
    """A network that is no Keras model.

    Attributes:
        names: Names of the weights, in their order.
        weights: Arrays, dense kernels and those of convolutions in Keras's order of axes: one seed draws the same
            noise for them as for the same network in Keras.
        other: What else the outputs depend on: frozen weights, and what training changes.
        call: `function(weights, other, x, training) -> (outputs, other)`.
        keras_loss: `function(loss)` that makes the library's own losses, which take outputs first, `LibraryLoss`es;
            others are returned as they are.
        draws: Whether the network draws random numbers in training mode.
    """

    names: list[str]
    weights: list
    other: list
    call: Callable
    keras_loss: Callable
    draws: bool


def keras_axes(rank: int) -> tuple[int, ...]:
    """The order of axes that turns a kernel (out, in, ...) into Keras's (..., in, out)."""
    return (*range(2, rank), 1, 0)


def library_axes(rank: int) -> tuple[int, ...]:
    """The order of axes that turns it back."""
    return (rank - 1, rank - 2, *range(rank - 2))


def check_order_is_known(loss: Any, found: Innermost) -> None:
    """Raises ValueError for a function that says it is a library's, by `functools.wraps`, and names other arguments.

    Args:
        loss: As the user passed it.
        found: What the library defines, and the wrappers around it.
    """
    theirs = first_two(getattr(found.function, "forward", found.function))
    for wrapper in found.wrappers:
        ours = first_two(wrapper) if inspect.isfunction(wrapper) else None
        if ours is not None and ours != theirs:
            raise ValueError(
                f"loss is a function ({', '.join(ours)}) to which functools.wraps gave the name of a loss of another "
                "library, which takes the outputs first, so that it is unknown whether it takes outputs or labels "
                "first. Pass it without functools.wraps, as a function (labels, outputs) that returns a number for "
                f"each sample. Received: loss={loss!r}"
            )
