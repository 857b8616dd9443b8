"""The mean of squares that auxiliary losses are, with the weights of samples and the masks of sequences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_selfmodel.transforms.tensors import Tensor, Tree

Shape = tuple[int | None, ...]


class _Mean(keras.losses.Loss):
    """Mean of values already computed. A Loss, so that it is shared out where replicas share a batch."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return y_pred


def mean_square(
    errors: Tensor,
    sample_weight: Tree = None,
    mask: Tensor | None = None,
    scores_masks: Mapping[int, Tensor] | None = None,
    *,
    shapes: Sequence[Shape] | None = None,
    steps_ahead: int = 0,
) -> Tensor:
    """The mean of squared errors over samples, steps and units.

    Masked values do not count: the mean is over those that are left, as in Keras's losses. Weights multiply the squares
    before the mean is taken, and the mean is not divided by them, as in Keras's losses.

    Args:
        errors: `(batch, n)`, or `(batch, steps, n)`.
        sample_weight: Weights as `fit` takes them: `(batch,)`; or one for each timestep or pixel of the classifier's
            output, `(batch, ...)`; or a structure of such, one for each output; see `weights_of`.
        mask: Bool, which errors count: `(batch, steps)`, or `(batch, n)` for errors without steps.
        scores_masks: Keras's masks `(batch, steps)` of the classifier's outputs, by their numbers.
        shapes: Those of the targets before they were flattened, without the batch; as of `weights_of`.
        steps_ahead: How many of the first steps of the targets are not predicted.

    Returns:
        A scalar; where replicas share a batch, the replica's share of it, as a `keras.losses.Loss` returns.
    """
    squares = ops.square(ops.cast(errors, keras.config.floatx()))
    stepwise = len(squares.shape) == 3
    if mask is not None:
        factor = _factor(mask, squares.dtype)
        squares = squares * (ops.expand_dims(factor, -1) if stepwise else factor)
    if sample_weight is not None:
        of_targets = shapes or [tuple(squares.shape[1:])]
        weights = weights_of(sample_weight, of_targets, scores_masks or {}, stepwise=stepwise, batch_of=squares)
        # One step may stand for all.
        one = not stepwise or weights.shape[1] == 1
        squares = squares * (weights if one else weights[:, steps_ahead:])
    values = ops.mean(squares, axis=-1)
    return _Mean(name="mean_square")(values, values)


def weights_of(
    sample_weight: Tree,
    shapes: Sequence[Shape],
    scores_masks: Mapping[int, Tensor],
    *,
    stepwise: bool = False,
    batch_of: Tensor,
) -> Tensor:
    """What each square is multiplied by, to be broadcast to `(batch, n)`, or to `(batch, steps, n)`.

    A weight counts for what lies at its place in the target as it was before it was flattened. The axes of the weights
    are compared with those of the target from the first on: where they agree each weight counts for its own step, row
    or pixel; over the axes that the target has not, the weights are averaged, without those of masked steps. Of several
    outputs, the mean of theirs counts.

    Args:
        sample_weight: As of `mean_square`.
        shapes: Of each target, without the batch: `(n,)`, `(steps, n)`, `(rows, columns, channels)`. The last axis has
            no weights.
        scores_masks: As of `mean_square`.
        stepwise: Whether the squares have steps.
        batch_of: A tensor of as many samples.
    """
    if keras.tree.is_nested(sample_weight):
        # An output without weights weighs 1, as in Keras.
        ones = ops.ones(ops.shape(batch_of)[:1], batch_of.dtype)
        each = [ones if w is None else _tensor(w) for w in keras.tree.flatten(sample_weight)]
        masked = [(weight, scores_masks.get(number)) for number, weight in enumerate(each)]
    else:
        weight = _tensor(sample_weight)
        # Those of all outputs.
        masked = [(weight, mask) for mask in scores_masks.values()] or [(weight, None)]
    of_targets = []
    for shape in shapes:
        placed = [_at_places(weight, mask, shape) for weight, mask in masked]
        of_targets.append(sum(placed[1:], placed[0]) / len(placed))
    return _flattened(of_targets, shapes, 2 if stepwise else 1)


def _at_places(weight: Tensor, mask: Tensor | None, shape: Shape) -> Tensor:
    """The weights to be broadcast to `(batch, *shape)`."""
    agreeing = 0
    for ours, theirs in zip(weight.shape[1:], shape[:-1], strict=False):
        # TensorFlow may not know them before data flows; it finds out then.
        if None not in (ours, theirs) and ours != theirs:
            break
        agreeing += 1
    if not agreeing:
        weight = _of_samples(weight, mask)
    elif len(weight.shape) > agreeing + 1:
        weight = ops.mean(weight, axis=tuple(range(agreeing + 1, len(weight.shape))))
    return ops.expand_dims(weight, tuple(range(agreeing + 1, len(shape) + 1)))


def _flattened(of_targets: Sequence[Tensor], shapes: Sequence[Shape], kept: int) -> Tensor:
    """The weights of several targets side by side, flattened as these are.

    Args:
        of_targets: `(batch, ...)`, of each target those to be broadcast to its shape.
        shapes: As of `weights_of`.
        kept: How many axes are not flattened.
    """
    if all(set(weight.shape[kept:]) == {1} for weight in of_targets):
        # The same for all units.
        return ops.reshape(of_targets[0], (-1, *ops.shape(of_targets[0])[1:kept], 1))
    each = []
    for weight, shape in zip(of_targets, shapes, strict=True):
        whole = ops.broadcast_to(weight, (*ops.shape(weight)[:kept], *shape[kept - 1 :]))
        each.append(ops.reshape(whole, (-1, *ops.shape(weight)[1:kept], math.prod(shape[kept - 1 :]))))
    return ops.concatenate(each, axis=-1)


def _of_samples(weight: Tensor, mask: Tensor | None) -> Tensor:
    """The mean weight of each sample, `(batch,)`."""
    axes = tuple(range(1, len(weight.shape)))
    if not axes:
        return weight
    if mask is None or weight.shape[1] != mask.shape[1]:
        return ops.mean(weight, axis=axes)
    weight = ops.mean(weight, axis=axes[1:]) if len(axes) > 1 else weight
    counts = ops.cast(mask, weight.dtype)
    # Where no step is left the sample has no weight.
    return ops.divide_no_nan(ops.sum(weight * counts, axis=1), ops.sum(counts, axis=1))


def _factor(mask: Tensor | None, dtype: Any) -> Tensor:
    """What makes a mean over all values one over those that the mask leaves, as Keras's losses do it."""
    counts = ops.cast(mask, dtype)
    return counts * ops.divide_no_nan(ops.cast(ops.size(counts), dtype), ops.sum(counts))


def _tensor(weight: Tensor) -> Tensor:
    return ops.convert_to_tensor(weight, dtype=keras.config.floatx())
