"""The mean of squares that auxiliary losses are, with the weights of samples and the masks of sequences."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_selfmodel.transforms.tensors import Tensor, Tree


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
    steps_ahead: int = 0,
) -> Tensor:
    """The mean of squared errors over samples, steps and units.

    Masked values do not count: the mean is over those that are left, as in Keras's losses. Weights multiply the squares
    before the mean is taken, and the mean is not divided by them, as in Keras's losses.

    Args:
        errors: `(batch, n)`, or `(batch, steps, n)`.
        sample_weight: Weights as `fit` takes them: `(batch,)`; or one for each timestep or pixel of the classifier's
            output, `(batch, ...)`; or a structure of such, one for each output. Where the errors have steps, and as
            many, the weight of a step counts for that step. Otherwise the weight of a sample is the mean of its
            weights, without those of masked steps. Of several outputs, the mean of theirs counts.
        mask: Bool, which errors count: `(batch, steps)`, or `(batch, n)` for errors without steps.
        scores_masks: Keras's masks `(batch, steps)` of the classifier's outputs, by their numbers.
        steps_ahead: How many of the first steps of the outputs the errors do not have.

    Returns:
        A scalar; where replicas share a batch, the replica's share of it, as a `keras.losses.Loss` returns.
    """
    squares = ops.square(ops.cast(errors, keras.config.floatx()))
    stepwise = len(squares.shape) == 3
    if mask is not None:
        factor = _factor(mask, squares.dtype)
        squares = squares * (ops.expand_dims(factor, -1) if stepwise else factor)
    values = ops.mean(squares, axis=-1)
    if sample_weight is None:
        return _Mean(name="mean_square")(values, values)
    steps = values.shape[1] if stepwise else None
    steps = None if steps is None else steps + steps_ahead
    weights = weights_of(sample_weight, scores_masks or {}, stepwise=stepwise, steps=steps, batch_of=values)
    if stepwise:
        weights = ops.expand_dims(weights, -1) if len(weights.shape) == 1 else weights
        # One weight may stand for all steps.
        weights = weights if weights.shape[1] == 1 else weights[:, steps_ahead:]
    return _Mean(name="mean_square")(values, values, weights)


def weights_of(
    sample_weight: Tree,
    scores_masks: Mapping[int, Tensor],
    *,
    stepwise: bool = False,
    steps: int | None = None,
    batch_of: Tensor,
) -> Tensor:
    """Weights `(batch,)` of samples, or `(batch, steps)` of their steps; see `mean_square`.

    Args:
        sample_weight: As of `mean_square`.
        scores_masks: As of `mean_square`.
        stepwise: Whether weights of an output that has steps count each for its own step.
        steps: The number of steps that it must have; `None` if it is known only when data flow.
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

    def has_steps(weight: Tensor) -> bool:
        return stepwise and len(weight.shape) > 1 and (None in (weight.shape[1], steps) or weight.shape[1] == steps)

    # The mean weight of each step, (batch, steps), or of each sample, (batch,).
    found = [_mean_from(2, weight) if has_steps(weight) else _of_samples(weight, mask) for weight, mask in masked]
    if any(len(weight.shape) == 2 for weight in found):
        found = [weight if len(weight.shape) == 2 else ops.expand_dims(weight, -1) for weight in found]
    return sum(found[1:], found[0]) / len(found)


def _mean_from(axis: int, weight: Tensor) -> Tensor:
    """The mean over an axis and all behind it."""
    axes = tuple(range(axis, len(weight.shape)))
    return ops.mean(weight, axis=axes) if axes else weight


def _of_samples(weight: Tensor, mask: Tensor | None) -> Tensor:
    """The mean weight of each sample, `(batch,)`."""
    if mask is None or len(weight.shape) == 1 or weight.shape[1] != mask.shape[1]:
        return _mean_from(1, weight)
    weight = _mean_from(2, weight)
    counts = ops.cast(mask, weight.dtype)
    # Where no step is left the sample has no weight.
    return ops.divide_no_nan(ops.sum(weight * counts, axis=1), ops.sum(counts, axis=1))


def _factor(mask: Tensor | None, dtype: Any) -> Tensor:
    """What makes a mean over all values one over those that the mask leaves, as Keras's losses do it."""
    counts = ops.cast(mask, dtype)
    return counts * ops.divide_no_nan(ops.cast(ops.size(counts), dtype), ops.sum(counts))


def _tensor(weight: Tensor) -> Tensor:
    return ops.convert_to_tensor(weight, dtype=keras.config.floatx())
