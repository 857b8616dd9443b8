"""The loss as a pure function of the weights that are sampled."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.shortcut import Shortcut, shortcut_of


@dataclass(frozen=True)
class Energy:
    """L_B(w), the mean loss of a batch, of a model on its data.

    Attributes:
        anchor: w*, the weights that are sampled.
        other: Variables that change along a chain, as batch norm's statistics in training mode.
        context: All that chains share: the weights that are not sampled, the remaining variables, x and y.
        num_samples: n, samples of x and y.
        batch_loss: `function(weights, other, context, index) -> (mean loss, (other, losses))`: the loss of the samples
            numbered by `index`, and of each of them, `(batch,)`.
        separately: Whether chains must be computed one after another; see `transforms.map_chains`.
        programs: What has been compiled of this loss; see `program`.
        shortcut: Another way to the same loss, where a batch touches few of the weights.
        order: Rows of x and y in the order of the samples, if it is not theirs, int `(num_samples,)`.
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

    @cached_property
    def num_parameters(self) -> int:
        return int(sum(np.prod(w.shape, dtype=np.int64) for w in self.anchor))

    def without_data(self) -> "Energy":
        """What has been compiled, and no more: to be given to `energy` for another model of the same architecture."""
        return replace(self, anchor=[], other=[], context=(), num_samples=0, shortcut=None, order=None)

    def on(self, x, y, num_samples: int) -> "Energy":
        """The same model on other data."""
        return replace(
            self, context=(*self.context[:2], *_tensors((x, y))), num_samples=num_samples, shortcut=None, order=None
        )

    def at(self, anchor: list) -> "Energy":
        """The same loss with another w*."""
        return replace(self, anchor=anchor)

    def rows(self, indices: np.ndarray):
        """The rows of x and y that hold the samples of these numbers, as `batch_loss` takes them."""
        return ops.convert_to_tensor(indices if self.order is None else self.order[indices])

    def identity(self) -> tuple:
        """The context with the data in the order of the samples, whichever way they are held."""
        if self.order is None:
            return self.context
        held, fixed, *data = self.context
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


def energy(
    model: keras.Model,
    loss: keras.losses.Loss | Callable,
    x,
    y,
    variables: list | None = None,
    *,
    training: bool,
    like: Energy | None = None,
    order: np.ndarray | None = None,
) -> Energy:
    """Builds the loss of a model as a function of some of its weights.

    Args:
        model: A built classifier with one output.
        loss: A Keras loss instance or function, a negative log-likelihood per sample.
        x: Inputs, a tree of arrays.
        y: Labels.
        variables: Those of `model.trainable_variables` that are sampled; all by default.
        training: Whether batch norm and dropout behave as in training.
        like: The loss of another model of the same architecture, with the same `loss`, variables and `training`, whose
            compiled programs are used again.
        order: As in `Energy`.
    """
    trainable = model.trainable_variables
    chosen = {id(v) for v in (trainable if variables is None else variables)}
    sampled = [id(v) in chosen for v in trainable]
    held = [_value(v) for v, use in zip(trainable, sampled, strict=True) if not use]
    fixed = [_value(v) for v in model.non_trainable_variables]

    def batch_loss(weights, other, context, index):
        held, fixed, x, y = context
        ours, theirs = iter(weights), iter(held)
        all_weights = [next(ours) if use else next(theirs) for use in sampled]
        scores, updated = model.stateless_call(
            all_weights, other if training else fixed, take(x, index), training=training
        )
        losses = per_sample_loss(loss, take(y, index), keras.tree.flatten(scores)[0])
        return ops.mean(losses), (updated if training else other, losses)

    return Energy(
        anchor=[_value(v) for v, use in zip(trainable, sampled, strict=True) if use],
        other=fixed if training else [],
        context=(held, [] if training else fixed, *_tensors((x, y))),
        num_samples=len(keras.tree.flatten(y)[0]),
        batch_loss=batch_loss if like is None else like.batch_loss,
        separately=training and any("seed_generator" in v.path for v in model.non_trainable_variables),
        programs={} if like is None else like.programs,
        shortcut=(
            shortcut_of(model, partial(per_sample_loss, loss), x, y, training=training)
            if all(sampled) and order is None
            else None
        ),
        order=order,
    )


def per_sample_loss(loss: keras.losses.Loss | Callable, y, scores):
    """The loss of each sample, `(batch,)`; further axes (tokens, outputs) are averaged as Keras does."""
    values = (loss.call if isinstance(loss, keras.losses.Loss) else loss)(y, scores)
    return values if len(values.shape) == 1 else ops.mean(values, axis=list(range(1, len(values.shape))))


def take(data, index):
    """The samples numbered by `index` (any shape) of a tree of arrays."""
    return keras.tree.map_structure(lambda a: ops.take(a, index, axis=0), data)


def _value(variable: keras.Variable):
    return ops.stop_gradient(ops.convert_to_tensor(variable))


def _tensors(data):
    return keras.tree.map_structure(ops.convert_to_tensor, data)
