"""Whether the loss measured is the one that Keras computes."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel._internals.keras import mode
from keras_selfmodel._internals.wrappers import library
from keras_selfmodel.models.precision import computes_in_half
from keras_selfmodel.rlct.losses.choosing import ChosenLoss
from keras_selfmodel.rlct.losses.own_steps import loss_of_test_step, trains_on_unknown_loss
from keras_selfmodel.rlct.losses.sample_loss import losses_of
from keras_selfmodel.rlct.losses.task_loss import TaskLoss
from keras_selfmodel.transforms.tensors import Tensor, Tree

# So many samples, the first ones, are compared.
COMPARED = 256
# Float32 sums of some hundred numbers, in another order.
RELATIVE, ABSOLUTE = 1e-4, 1e-5
# What is left of losses that would be 0 but for the rounding of scores near 1.
NEARLY_NONE = 1e-6
# Losses of outputs in half precision, which compilers round in other places.
ROUGH = 0.02
# Regularization that is a smaller part of the loss is not reported.
REGULARIZATION = 1e-3
# What is said of a loss that is no mean over the batch.
SUMS = (
    "The loss sums over the batch (reduction='sum'), so that its value depends on the batch size. It is divided by the "
    "number of samples here: L is the mean over the samples, and of each the sum over its entries."
)


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
        model: The model that the user passed, in whatever precision; `None`: no Keras model.
        choice: Its loss.
        scores: Outputs of what is measured for some samples, in single precision, with the masks that Keras gave them.
        x, y, weights: These samples.

    Returns:
        What differs, in sentences.

    Raises:
        ValueError: If the loss is random; if it is one number for each batch, and not the mean of those of its samples;
            if the loss of a sample depends on what else is in its batch.
    """
    task = choice.task
    x, y = keras.tree.map_structure(ops.convert_to_tensor, (x, y))
    reduced = [part.loss.reduced_by_its_library(part.of(y), part.of(scores)) for part in task.parts]
    counts = task.counts(y, scores, weights)
    if not ops.convert_to_numpy(ops.all(ops.any(counts > 0, axis=1))):
        return ()  # All of these samples are masked, or of weight zero: there is nothing to compare.
    _check_not_random(choice, y, scores)
    ours = _number(ops.mean(task.losses(y, scores, weights, ops.mean(counts, axis=1))))
    one_number = _is_one_number(task, y, scores)
    # Where a loss sums over the batch, the comparisons would find that and nothing else.
    summed = any(part.loss.reduction == "sum" for part in task.parts)
    found: list[str] = [SUMS] if summed else []
    theirs = None
    # Other libraries than Keras have reductions of their own.
    if one_number or not any(part.loss.is_of_another_library for part in task.parts):
        theirs = task.keras_loss(y, scores, weights)
        if not summed:
            found += _differs_from_keras(ours, theirs, _samples(y), one_number=one_number)
    _check_samples_stand_alone(choice, y, scores)
    if weights is None and not summed:
        found += _differs_from_its_library(task, ours, reduced, _samples(y))
    if model is not None and choice.origin != "given" and model.compiled:
        found += _differs_from_the_model(model, choice, ours, theirs, x, y, scores, weights)
    return tuple(found)


def _differs_from_keras(ours: float, theirs: float, samples: int, *, one_number: bool) -> list[str]:
    """What makes the mean over samples another number than Keras's loss of the batch."""
    if _close(ours, theirs):
        return []
    if one_number:
        raise ValueError(
            f"The loss returns one number for a batch, {theirs:.6g} for the first {samples} samples, which is not "
            f"the mean of the losses of single samples, {ours:.6g}, times their weights if they have any. A loss for "
            "each sample is needed: let it return an array of shape (batch,)."
        )
    return [
        f"Keras computes a loss of {theirs:.6g} for the first {samples} samples, but the losses of the samples "
        f"measured here have the mean {ours:.6g}: the loss is not a mean over samples."
    ]


def _check_not_random(choice: ChosenLoss, y: Tree, scores: Tree) -> None:
    for part in choice.task.parts:
        one, other = (ops.convert_to_numpy(losses_of(part.loss.loss, part.of(y), part.of(scores))) for _ in "ab")
        if not _all_close(one, other):
            raise ValueError(
                "The loss is random: it differs from one evaluation of the same outputs to the next. Pass loss= "
                f"without the noise. Received: {choice.description}"
            )


def _check_samples_stand_alone(choice: ChosenLoss, y: Tree, scores: Tree) -> None:
    if not all(_stand_alone(part.loss.loss, part.of(y), part.of(scores)) for part in choice.task.parts):
        raise ValueError(
            "The loss of a sample depends on the other samples of its batch, as in contrastive losses. A loss of each "
            f"sample alone is needed. Received: {choice.description}"
        )


def _differs_from_its_library(task: TaskLoss, ours: float, reduced: list, samples: int) -> list[str]:
    """Whether another library than Keras reduces the batch to another number, where all losses are such a library's."""
    if any(one is None for one in reduced):
        return []
    theirs = sum(part.factor * _number(one) for part, one in zip(task.parts, reduced, strict=True))
    if _close(ours, theirs):
        return []
    return [
        f"The loss reduces a batch of the first {samples} samples to {theirs:.6g}, but the losses of the "
        f"samples measured here have the mean {ours:.6g}: compared with the loss that the network was trained on, "
        "the temperature differs by their ratio."
    ]


def _differs_from_the_model(
    model: keras.Model,
    choice: ChosenLoss,
    ours: float,
    theirs: float | None,
    x: Tree,
    y: Tree,
    scores: Tree,
    weights: Tree,
) -> list[str]:
    """Whether the model adds to the loss it was compiled with, or its methods compute another."""
    measured = classifier_of(model)
    # Called once more where its outputs were computed in another precision: its steps round as these do, and what its
    # layers add to the loss is kept from the last call.
    outputs = measured(x, **mode(measured.call, False)) if computes_in_half(measured) else scores
    added = sum(_number(term) for term in measured.losses)
    own = None
    if _computes_its_own(model):
        own = _number(model.compute_loss(x, y, scores, weights, **mode(model.compute_loss, False)))
    if choice.origin == "suggested":
        if (own is not None or measured.losses) and not _close(added if own is None else own, ours):
            return [_no_compiled_loss(choice, ours, added if own is None else own, y)]
        return _own_test_step(model, choice, added, x, y, outputs, weights) or _own_train_step(model, choice)
    compiled = ours if theirs is None else theirs
    if own is not None and theirs is not None and not (_close(own, theirs) or _close(own, theirs + added)):
        return [*_regularization(added, compiled), _another_loss(own, theirs, y)]
    if tested := _own_test_step(model, choice, added, x, y, outputs, weights):
        return tested
    regularized = own is None or not _close(own, compiled)
    return [*(_regularization(added, compiled) if regularized else []), *_own_train_step(model, choice)]


def _regularization(regularization: float, theirs: float) -> list[str]:
    if not abs(regularization) > max(REGULARIZATION * abs(theirs), ABSOLUTE):
        return []
    return [
        f"evaluate adds regularization terms of {regularization:.4g} to a loss of {theirs:.4g}; they are not part "
        "of the loss measured, so w* need not be a minimum of it."
    ]


def _another_loss(own: float, theirs: float, y: Tree) -> str:
    return (
        f"The model's compute_loss gives {own:.6g} for the first {_samples(y)} samples, but the loss it was "
        f"compiled with, which is measured, gives {theirs:.6g}. Pass the loss that the model computes."
    )


def _no_compiled_loss(choice: ChosenLoss, ours: float, own: float, y: Tree) -> str:
    """Of a model that adds its loss in a layer, or computes it in a method."""
    return (
        f"The model has no loss from compile and computes one of its own, {own:.6g} for the first "
        f"{_samples(y)} samples; measured is {choice.description}, {ours:.6g}. Pass as loss= what the network was "
        "trained on, a function (labels, outputs) that returns a number for each sample."
    )


def _own_test_step(
    model: keras.Model, choice: ChosenLoss, added: float, x: Tree, y: Tree, outputs: Tree, weights: Tree
) -> list[str]:
    """Whether a `test_step` of the model's own has another loss than the one measured."""
    evaluated = loss_of_test_step(model, x, y, weights, _samples(y))
    if evaluated is None:
        return []
    counts = choice.task.counts(y, outputs, weights)
    ours = _number(ops.mean(choice.task.losses(y, outputs, weights, ops.mean(counts, axis=1))))
    theirs = _number(choice.task.keras_loss(y, outputs, weights))
    relative = ROUGH if computes_in_half(model) else RELATIVE
    if any(_close(evaluated, one, relative) for one in (ours, ours + added, theirs, theirs + added)):
        return []
    return [
        f"evaluate gives {evaluated:.6g} for the first {_samples(y)} samples, by the model's own test_step; "
        f"measured is {choice.description}, {ours:.6g}. If it was trained on another loss, pass that as loss=."
    ]


def _own_train_step(model: keras.Model, choice: ChosenLoss) -> list[str]:
    """Whether it is unknown what a `train_step` of the model's own minimizes."""
    if not trains_on_unknown_loss(model):
        return []
    return [
        "The model's own train_step calls no compute_loss that can be seen, so it is unknown here what it "
        f"minimizes. Measured is {choice.description}. Pass as loss= what the network was trained on."
    ]


def _computes_its_own(model: keras.Model) -> bool:
    """Whether its `compute_loss` is neither every Keras model's nor this package's, as that of Keras's `Distiller`."""
    base: Any = next(one for one in type(model).__mro__ if one is keras.Model or library(one) == "keras_selfmodel")
    return getattr(model.compute_loss, "__func__", model.compute_loss) is not base.compute_loss


def _samples(y: Tree) -> int:
    return len(keras.tree.flatten(y)[0])


def _number(scalar: Any) -> float:
    return float(ops.convert_to_numpy(scalar))


def _close(one: float, other: float, relative: float = RELATIVE) -> bool:
    return bool(np.isclose(one, other, rtol=relative, atol=ABSOLUTE, equal_nan=True))


def _stand_alone(loss: keras.losses.Loss, y: Tensor, scores: Tensor) -> bool:
    """Whether samples have the same losses in half a batch as in the whole one."""
    half = max(1, scores.shape[0] // 2)
    whole, alone = (ops.convert_to_numpy(losses_of(loss, *pair)) for pair in ((y, scores), (y[:half], scores[:half])))
    if whole.ndim == 0:
        return True  # One number for the batch is looked at above.
    if alone.shape[1:] != whole.shape[1:]:
        raise ValueError(
            "The loss must return a number for each sample, or for each entry of a sample. Received: shape "
            f"{whole.shape} for {len(whole)} samples, from labels of shape {tuple(y.shape)} and outputs of shape "
            f"{tuple(scores.shape)}; axes other than the first grow with the batch, as where these are broadcast "
            "against each other"
        )
    return _all_close(alone, whole[:half])


def _all_close(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether losses are the same, compared with the largest of them, or but for rounding."""
    margin = max(RELATIVE * np.abs(np.nan_to_num(others)).max(), NEARLY_NONE)
    return np.allclose(some, others, rtol=RELATIVE, atol=margin, equal_nan=True)


def _is_one_number(task: TaskLoss, y: Tree, scores: Tree) -> bool:
    return any(len(losses_of(part.loss.loss, part.of(y), part.of(scores)).shape) == 0 for part in task.parts)
