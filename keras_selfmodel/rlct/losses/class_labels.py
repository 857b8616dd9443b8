"""Class labels out of range."""

import keras
import numpy as np

from keras_selfmodel._internals.keras import settings_of
from keras_selfmodel.models._labels import check_are_classes, check_are_numbers, counted_labels
from keras_selfmodel.rlct.losses.task_loss import TaskLoss
from keras_selfmodel.transforms.tensors import Tree


def check_class_labels(task: TaskLoss, y: Tree, scores: Tree, weights: Tree = None) -> None:
    """Raises ValueError for labels that sparse categorical cross-entropy would take for others, or for none.

    Keras cuts off fractions, and on JAX turns a label out of range into a row of zeros; Optax counts classes from the
    last one where labels are negative.

    Args:
        task: The loss.
        y: All labels, a tree of arrays.
        scores: The model's outputs for some samples.
        weights: Sample weights; see `have_weight`.
    """
    for part in task.parts:
        loss = part.loss.loss
        function = getattr(loss, "function", None)
        settings = settings_of(loss)
        axis = getattr(function, "class_axis", None)
        if isinstance(loss, keras.losses.SparseCategoricalCrossentropy) or (
            function is keras.losses.sparse_categorical_crossentropy
        ):
            axis = settings.get("axis", -1)
        if axis is None:
            continue
        labels = keras.ops.convert_to_numpy(part.of(y))
        check_are_numbers(labels.shape, part.of(scores).shape)
        classes = part.of(scores).shape[axis]
        ignored = settings.get("ignore_class")
        labels = counted_labels(labels, part.of(weights), [] if ignored is None else [ignored])
        if not labels.size:
            continue
        check_are_classes(labels)
        lowest, highest = labels.min(), labels.max()
        if not (np.isfinite(lowest) and np.isfinite(highest)) or lowest < 0 or highest >= classes:
            raise ValueError(
                f"Class labels must lie in 0 … {classes - 1}, one for each of the model's {classes} class scores. "
                "If the labels are not class numbers, pass the loss they belong to, or compile the model with it. "
                f"Received: labels from {lowest} to {highest}."
            )
