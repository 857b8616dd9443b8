"""The loss as a pure function of the sampled weights."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.batches import STEPS_PER_CALL, paper_batches
from keras_selfmodel.rlct.conventions import ResolvedSettings
from keras_selfmodel.rlct.data import Samples
from keras_selfmodel.rlct.shortcut import Shortcut
from keras_selfmodel.transforms.tensors import Tensor, Tree


@dataclass(frozen=True)
class Energy:
    """L_B(w), the mean loss of a batch, of a model on its data.

    Attributes:
        anchor: w*, the weights that are sampled.
        other: Variables that change along a chain, as batch norm's statistics in training mode.
        context: All that chains share: the weights that are not sampled, the remaining variables, the mean number of
            entries of each loss (see `losses.TaskLoss`), and the data, or nothing where they do not lie on the device.
        num_samples: n, samples of the data.
        batch_loss: `function(weights, other, context, rows) -> (mean loss, (other, losses))`: the loss of the samples
            that `Energy.rows` names or brings, and of each of them, `(batch,)`.
        separately: Whether chains must be computed one after another; see `transforms.map_chains`.
        programs: What has been compiled of this loss; see `program`.
        shortcut: Another way to the same loss, where a batch touches few of the weights.
        order: Rows of the data in the order of the samples, if it is not theirs, int `(num_samples,)`.
        elsewhere: The data, where they do not lie on the device.
        counts: `function(weights, other, context, rows) -> (outputs, batch)`: the number of entries of each sample,
            if the context has their mean.
        counts_vary: Whether it is not the same for all samples.
    """

    anchor: list
    other: list
    context: tuple
    num_samples: int
    batch_loss: Callable
    separately: bool
    programs: dict[tuple, Callable] = field(default_factory=dict)
    shortcut: Shortcut | None = None
    order: np.ndarray | None = None
    elsewhere: Samples | None = None
    counts: Callable | None = None
    counts_vary: bool = False

    @cached_property
    def num_parameters(self) -> int:
        return int(sum(np.prod(w.shape, dtype=np.int64) for w in self.anchor))

    def without_data(self) -> "Energy":
        """What has been compiled, and no more: to be given to `energy` for another model of the same architecture."""
        return replace(self, anchor=[], other=[], context=(), num_samples=0, shortcut=None, order=None, elsewhere=None)

    def on(self, samples: Samples) -> "Energy":
        """The same model on other data."""
        return replace(self, shortcut=None, order=None).holding(samples)

    def holding(self, samples: Samples) -> "Energy":
        """The same loss of these data, in the same order."""
        held, fixed, means, _ = self.context
        data = _tensors(samples.trees) if samples.resident else ()
        elsewhere = None if samples.resident else samples
        moved = replace(self, context=(held, fixed, means, data), num_samples=samples.num_samples, elsewhere=elsewhere)
        return replace(moved, context=(held, fixed, moved._mean_counts(), data))

    def _mean_counts(self) -> Tensor:
        """The mean number of entries of a sample for each output, over all data."""
        if self.counts is None:
            return ops.ones((1,))
        # Where they are all the same, two samples tell.
        samples = self.num_samples if self.counts_vary else min(self.num_samples, 2)
        counts = self.counts

        def count(rows, weights, other, context):
            return rows, counts(weights, other, context, rows)

        program = self.program(("counts",), lambda: count)
        total: Any = 0.0
        for batch in paper_batches(samples, 512):
            _, found = program(self.rows(batch), self.anchor, self.other, self.context)
            total = total + ops.convert_to_numpy(found).sum(axis=1, dtype=np.float64)
        if not (total > 0).all():
            raise ValueError("All samples are masked, ignored or of weight zero: there is no loss to measure.")
        return ops.convert_to_tensor(total / samples, keras.config.floatx())

    def at(self, anchor: list) -> "Energy":
        """The same loss with another w*."""
        return replace(self, anchor=anchor)

    def rows(self, indices: np.ndarray) -> Tree:
        """The samples of these numbers, as `batch_loss` takes them: the rows that hold them, or what these hold."""
        indices = indices if self.order is None else self.order[indices]
        return ops.convert_to_tensor(indices) if self.elsewhere is None else _tensors(self.elsewhere.rows(indices))

    def steps_per_call(self, settings: ResolvedSettings) -> int:
        """Steps that run in one compiled call: fewer where their samples must be brought to the device."""
        if self.elsewhere is None:
            return STEPS_PER_CALL
        at_once = settings.chains_at_once or settings.num_chains
        return min(STEPS_PER_CALL, self.elsewhere.steps_per_call(at_once * settings.batch_size))

    def identity(self) -> tuple:
        """The context with the data in the order of the samples, whichever way they are held."""
        held, fixed, _, data = self.context
        if self.elsewhere is not None:
            data = self.elsewhere.trees
        if self.order is None:
            return held, fixed, *data
        return held, fixed, *keras.tree.map_structure(lambda a: ops.convert_to_numpy(a)[self.order], data)

    def program(self, name: tuple, build: Callable[[], Callable], *, fuse: bool = False) -> Callable:
        """A compiled function, built once for this loss, whatever w* and the data: these are its arguments.

        Args:
            name: What it is, and all that is built into it besides `batch_loss`.
            build: Returns the function, `(state, *args) -> (state, result)`; see `transforms.jit`.
            fuse: As for `transforms.jit`.
        """
        if name not in self.programs:
            self.programs[name] = transforms.jit(build(), fuse=fuse)
        return self.programs[name]

    def losses(self, batches: list[np.ndarray]) -> list[np.ndarray]:
        """The losses of the samples of each batch at w*, in double precision; `other` stays as it is."""
        if self.shortcut is not None:
            return self.shortcut.losses(self.anchor, batches, self.program)
        batch_loss = self.batch_loss  # Not `self`: what is compiled must not keep the data alive.

        def evaluate(index, weights, other, context):
            _, (_, losses) = batch_loss(weights, other, context, index)
            return index, losses

        program = self.program(("losses",), lambda: evaluate)
        results = []
        for batch in batches:
            _, losses = program(self.rows(batch), self.anchor, self.other, self.context)
            results.append(ops.convert_to_numpy(losses).astype(np.float64))
        return results

    def mean_loss(self, batches: list[np.ndarray]) -> float:
        """The mean of `losses` over all samples."""
        return float(np.concatenate(self.losses(batches)).mean())

    def gradient(self, batches: list[np.ndarray]) -> list:
        """∇L of all samples of the batches together, at w*."""
        if self.shortcut is not None:
            return self.shortcut.gradient(self.anchor, batches, self.program)
        differentiate = transforms.value_and_grad(self.batch_loss)

        def add(total, part, index, weights, other, context):
            (loss, _), gradients = differentiate(weights, other, context, index)
            return [transforms.add_scaled_in_place(t, part, g) for t, g in zip(total, gradients, strict=True)], loss

        program = self.program(("gradient",), lambda: add)
        total, samples = [ops.zeros_like(w) for w in self.anchor], sum(len(batch) for batch in batches)
        for batch in batches:
            part = ops.convert_to_tensor(len(batch) / samples, keras.config.floatx())
            total, _ = program(total, part, self.rows(batch), self.anchor, self.other, self.context)
        return total


def energy_of_losses(losses: Callable, weights: list, samples: Samples) -> Energy:
    """A loss that is nothing but a function of weights and data.

    Args:
        losses: `function(weights, rows) -> (batch,)`, where rows are the trees of `samples` for a batch.
        weights: w*, a list of arrays.
        samples: The data.
    """

    def batch_loss(weights, other, context, rows):
        data = context[3]
        values = losses(weights, take(data, rows) if data else rows)
        return ops.mean(values), (other, values)

    return Energy(
        anchor=weights, other=[], context=([], [], (), ()), num_samples=samples.num_samples, batch_loss=batch_loss,
        separately=False,
    ).holding(samples)  # fmt: skip


def take(data: Tree, index: Tensor) -> Tree:
    """The samples numbered by `index` (any shape) of a tree of arrays."""
    return keras.tree.map_structure(lambda a: ops.take(a, index, axis=0), data)


def _tensors(data: Tree) -> Tree:
    return keras.tree.map_structure(ops.convert_to_tensor, data)
