"""Another way to the same loss, where a batch touches few of the weights: an interface for `Energy` and `Sampling`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import keras
import numpy as np

from keras_selfmodel.transforms.tensors import Tree

if TYPE_CHECKING:  # They ask for shortcuts themselves.
    from keras_selfmodel.rlct.chains import Chains
    from keras_selfmodel.rlct.conventions import ResolvedSettings
    from keras_selfmodel.rlct.energy import Energy


class Shortcut(Protocol):
    """A loss and its data, held in such a way that a batch costs as much as the weights it touches."""

    def losses(self, weights: list, batches: list[np.ndarray], program: Callable) -> list[np.ndarray]:
        """The losses of the samples of each batch, as `Energy.losses` has them.

        Args:
            weights: All weights.
            batches: Sample numbers of each batch.
            program: `Energy.program`.
        """

    def gradient(self, weights: list, batches: list[np.ndarray], program: Callable) -> list:
        """The gradient of the mean loss of all samples of the batches, as `Energy.gradient` has it.

        Args:
            weights, batches, program: As for `losses`.
        """

    def chains(self, energy: "Energy", settings: "ResolvedSettings") -> "type[Chains] | None":
        """Chains with the law of `Chains` that take the shortcut; `None` if these settings do not allow it.

        Args:
            energy: The loss whose shortcut this is.
            settings: What is asked for.
        """


# `function(model, per_sample_loss, x, y, *, training) -> Shortcut | None`
_OFFERS: list[Callable[..., Shortcut | None]] = []


def offers_shortcuts(offer: Callable[..., Shortcut | None]) -> None:
    """Has an offer asked for each loss that is built; packages above this one make theirs when they are imported.

    Args:
        offer: `function(model, per_sample_loss, x, y, *, training)` that returns `None` where it has no shortcut.
    """
    _OFFERS.append(offer)


def shortcut_of(model: keras.Model, per_sample_loss: Callable, x: Tree, y: Tree, *, training: bool) -> Shortcut | None:
    """The shortcut of a loss, if there is one.

    Args:
        model: A built classifier, all of whose weights are sampled.
        per_sample_loss: `function(y, scores)` that returns the loss of each sample.
        x: Inputs, a tree of arrays.
        y: Labels.
        training: Whether layers behave as in training.
    """
    found = (offer(model, per_sample_loss, x, y, training=training) for offer in _OFFERS)
    return next((shortcut for shortcut in found if shortcut is not None), None)
