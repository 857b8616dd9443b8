"""The loss as a pure function of the weights."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms


def per_sample_loss(loss: keras.losses.Loss | Callable, y, scores):
    """The loss of each sample, `(batch,)`; further axes (tokens, outputs) are averaged as Keras does."""
    values = (loss.call if isinstance(loss, keras.losses.Loss) else loss)(y, scores)
    return values if len(values.shape) == 1 else ops.mean(values, axis=list(range(1, len(values.shape))))


def energy(model: keras.Model, loss: keras.losses.Loss | Callable, *, training: bool) -> Callable:
    """Builds L_B(w), the mean loss of a batch, as a pure function.

    Args:
        model: A built classifier with one output.
        loss: A Keras loss instance or function, a negative log-likelihood per sample.
        training: Whether batch norm and dropout behave as in training.

    Returns:
        `function(trainable, non_trainable, x, y) -> (mean loss, (non_trainable, losses))` with lists of arrays in
        the order of the model's variables and `losses` of shape `(batch,)`.
    """

    def batch_loss(trainable, non_trainable, x, y):
        scores, non_trainable = model.stateless_call(trainable, non_trainable, x, training=training)
        losses = per_sample_loss(loss, y, keras.tree.flatten(scores)[0])
        return ops.mean(losses), (non_trainable, losses)

    return batch_loss


def losses_at(batch_loss: Callable, weights: list, non_trainable: list, x, y, batches: list[np.ndarray]):
    """The per-sample losses of each batch at fixed weights.

    Args:
        batch_loss: As `energy` returns it.
        weights: Trainable weights.
        non_trainable: Other variables; not updated from batch to batch.
        x: Inputs on the device.
        y: Labels on the device.
        batches: Sample numbers of each batch.

    Returns:
        A list with a NumPy array `(batch,)`, in double precision, for each batch.
    """

    def evaluate(index, weights, non_trainable, x, y):
        _, (_, losses) = batch_loss(weights, non_trainable, take(x, index), take(y, index))
        return index, losses

    compiled = transforms.jit(evaluate)
    results = []
    for batch in batches:
        _, losses = compiled(ops.convert_to_tensor(batch), weights, non_trainable, x, y)
        results.append(ops.convert_to_numpy(losses).astype(np.float64))
    return results


def take(data, index):
    """The samples numbered by `index` (any shape) of a tree of arrays."""
    return keras.tree.map_structure(lambda a: ops.take(a, index, axis=0), data)
