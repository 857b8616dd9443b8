"""Whether the loss measured is the one that Keras computes."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel._internals.keras import mode
from keras_selfmodel.rlct.losses.choosing import ChosenLoss
from keras_selfmodel.rlct.losses.task_loss import TaskLoss
from keras_selfmodel.transforms.tensors import Tensor, Tree

# So many samples, the first ones, are compared.
COMPARED = 256
# Float32 sums of some hundred numbers, in another order.
RELATIVE, ABSOLUTE = 1e-4, 1e-5
# Regularization that is a smaller part of the loss is not reported.
REGULARIZATION = 1e-3


def disagreement(
    model: keras.Model | None,
    choice: ChosenLoss,
    scores: Tree,
    x: Tree,
    y: Tree,
    weights: Tree = None,
) -> tuple[str, ...]:
    """Compares the losses of samples with what `evaluate` would give for them in one batch.

    Args:
        model: The model that is measured; `None`: no Keras model.
        choice: Its loss.
        scores: Its outputs for some samples, with the masks that Keras gave them.
        x, y, weights: These samples.

    Returns:
        What differs, in sentences.

    Raises:
        ValueError: If the loss is one number for each batch, and not the mean of those of its samples; if the loss of a
            sample depends on what else is in its batch.
    """
    task, compiled, samples = choice.task, choice.compiled, len(keras.tree.flatten(y)[0])
    x, y = keras.tree.map_structure(ops.convert_to_tensor, (x, y))
    counts = task.counts(y, scores, weights)
    if not ops.convert_to_numpy(ops.all(ops.any(counts > 0, axis=1))):
        return ()  # All of these samples are masked, or of weight zero: there is nothing to compare.
    ours = _number(ops.mean(task.losses(y, scores, weights, ops.mean(counts, axis=1))))
    reductions = [getattr(getattr(part.loss.loss, "function", None), "reduced", None) for part in task.parts]
    of_keras, one_number = not any(reductions), _is_one_number(task, y, scores)
    # Other libraries than Keras have reductions of their own.
    theirs = task.keras_loss(y, scores, weights) if of_keras or one_number else ours
    found = []
    if not _close(ours, theirs):
        if any(part.loss.loss.reduction == "sum" for part in task.parts):
            found.append(
                "The loss sums over the batch (reduction='sum'), so that what evaluate returns depends on the batch "
                "size. Its mean over the samples is measured instead."
            )
        elif one_number:
            raise ValueError(
                f"The loss returns one number for a batch, {theirs:.6g} for the first {samples} samples, which is not "
                f"the mean of the losses of single samples, {ours:.6g}. A loss for each sample is needed: let it "
                "return an array of shape (batch,)."
            )
        else:
            found.append(
                f"Keras computes a loss of {theirs:.6g} for the first {samples} samples, but the losses of the samples "
                f"measured here have the mean {ours:.6g}: the loss is not a mean over samples."
            )
    if not all(_stand_alone(part.loss.loss, part.of(y), part.of(scores)) for part in task.parts):
        raise ValueError(
            "The loss of a sample depends on the other samples of its batch, as in contrastive losses. A loss of each "
            f"sample alone is needed. Received: {choice.description}"
        )
    in_its_library = None if weights is not None else _reduced(reductions, task, y, scores)
    if in_its_library is not None and not _close(ours, in_its_library):
        found.append(
            f"The loss reduces a batch of the first {samples} samples to {in_its_library:.6g}, but the losses of the "
            f"samples measured here have the mean {ours:.6g}: compared with the loss that the network was trained on, "
            "the temperature differs by their ratio."
        )
    if model is None:
        return tuple(found)
    regularization = sum(_number(term) for term in model.losses)
    if compiled and abs(regularization) > max(REGULARIZATION * abs(theirs), ABSOLUTE):
        found.append(
            f"evaluate adds regularization terms of {regularization:.4g} to a loss of {theirs:.4g}; they are not part "
            "of the loss measured, so w* need not be a minimum of it."
        )
    if compiled and type(model).compute_loss is not keras.Model.compute_loss:
        computed = _number(model.compute_loss(x, y, scores, weights, **mode(model.compute_loss, False)))
        if not _close(computed, theirs + regularization):
            found.append(
                f"The model's compute_loss gives {computed:.6g} for the first {samples} samples, but the loss it was "
                f"compiled with, which is measured, gives {theirs:.6g}. Pass the loss that the model computes."
            )
    return tuple(found)


def _number(scalar: Any) -> float:
    return float(ops.convert_to_numpy(scalar))


def _close(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))


def _stand_alone(loss: keras.losses.Loss, y: Tensor, scores: Tensor) -> bool:
    """Whether samples have the same losses in half a batch as in the whole one."""
    half = max(1, scores.shape[0] // 2)
    whole, alone = (ops.convert_to_numpy(loss.call(*pair)) for pair in ((y, scores), (y[:half], scores[:half])))
    if whole.ndim == 0:
        return True  # One number for the batch is looked at above.
    return bool(
        np.allclose(
            alone, whole[:half], rtol=RELATIVE, atol=RELATIVE * np.abs(np.nan_to_num(whole)).max(), equal_nan=True
        )
    )


def _reduced(reductions: list, task: TaskLoss, y: Tree, scores: Tree) -> float | None:
    """The loss of a batch as its own library reduces it; `None` if it leaves that to the user."""
    if not all(reductions):
        return None
    each = [reduce(part.of(y), part.of(scores)) for reduce, part in zip(reductions, task.parts, strict=True)]
    if any(one is None for one in each):
        return None
    return sum(part.factor * _number(one) for part, one in zip(task.parts, each, strict=True))


def _is_one_number(task: TaskLoss, y: Tree, scores: Tree) -> bool:
    return any(len(part.loss.loss.call(part.of(y), part.of(scores)).shape) == 0 for part in task.parts)
