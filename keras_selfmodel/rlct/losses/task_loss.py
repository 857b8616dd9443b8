"""The loss of all outputs of a model, sample by sample."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_selfmodel.rlct.losses.sample_loss import SampleLoss
from keras_selfmodel.transforms.tensors import Tensor, Tree


class Part(NamedTuple):
    """The loss of one output.

    Attributes:
        place: Numbers and names that lead to the output in the structure of outputs; `None` where there is one.
        loss: Its loss.
        factor: How much it counts (`loss_weights` of `compile`).
        name: Its name, under which labels and weights may be found too.
    """

    place: tuple[int | str, ...] | None
    loss: SampleLoss
    factor: float = 1.0
    name: str | None = None

    def of(self, tree: Tree) -> Tree:
        """What belongs to this output: of labels, scores or weights; of the latter `None`, where it has none."""
        if self.place is None:
            return tree if not keras.tree.is_nested(tree) else keras.tree.flatten(tree)[0]
        if isinstance(tree, dict) and len(self.place) == 1 and self.name in tree:
            return tree[self.name]
        return found_at(tree, self.place)

    @property
    def where(self) -> str:
        """Which output it is, in words."""
        return "/".join(map(repr, self.place or ()))


@dataclass(frozen=True)
class TaskLoss:
    """L = Σ over outputs of factor · Σᵢ aᵢ / Σᵢ dᵢ, with sums over all samples; see `sample_loss`.

    Each sample's loss is ℓᵢ = Σ factor · aᵢ / d̄, where d̄ is the mean of dᵢ over all data: a number that belongs to the
    data. So L is the plain mean of ℓᵢ over all samples, and the mean over a random batch estimates it without bias.

    Attributes:
        parts: The losses of the outputs.
    """

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, loss: Any) -> "TaskLoss":
        """From one Keras loss, its name or a function; a `TaskLoss` is returned as it is."""
        return loss if isinstance(loss, TaskLoss) else cls((Part(None, SampleLoss(loss)),))

    @property
    def counts_vary(self) -> bool:
        """Whether dᵢ depends on labels or weights."""
        return any(part.loss.counts_vary for part in self.parts)

    def losses(self, y: Tree, scores: Tree, weights: Tree, mean_counts: Tensor) -> Tensor:
        """ℓᵢ, `(batch,)`.

        Args:
            y, scores, weights: Trees of arrays `(batch, ...)`; weights may be `None`.
            mean_counts: d̄ of each output, `(outputs,)`.
        """
        total = 0.0
        for number, part in enumerate(self.parts):
            values = part.loss.numerators(part.of(y), part.of(scores), part.of(weights))
            total = total + part.factor / mean_counts[number] * values
        return total

    def counts(self, y: Tree, scores: Tree, weights: Tree) -> Tensor:
        """dᵢ of each output, `(outputs, batch)`; arguments as for `losses`."""
        of_outputs = [part.loss.counts(part.of(y), part.of(scores), part.of(weights)) for part in self.parts]
        return ops.cast(ops.stack(of_outputs), keras.config.floatx())

    def keras_loss(self, y: Tree, scores: Tree, weights: Tree) -> float:
        """What Keras makes of the same losses for one batch; arguments as for `losses`."""
        return float(
            sum(
                part.factor
                * np.mean(
                    ops.convert_to_numpy(part.loss.loss(part.of(y), part.of(scores), sample_weight=part.of(weights)))
                )
                for part in self.parts
            )
        )


def found_at(tree: Any, path: tuple) -> Any:
    """What numbers and names lead to in a structure, or `None`; one that ends before holds the same for all below."""
    for step in path:
        if not isinstance(tree, (list, tuple, dict)):
            break
        try:
            tree = tree[step]
        except (KeyError, IndexError):
            return None
    return tree
