"""The loss of a network as a function of its weights."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._internals.keras import layers_inside, mode
from keras_selfmodel.rlct.data import Samples
from keras_selfmodel.rlct.energy import Energy, take
from keras_selfmodel.rlct.losses import TaskLoss
from keras_selfmodel.rlct.shortcut import shortcut_of


def energy_of_network(
    network: transforms.Network,
    task: TaskLoss,
    samples: Samples,
    sampled: list[bool],
    *,
    training: bool,
    masks: bool = False,
    like: Energy | None = None,
    order: np.ndarray | None = None,
) -> Energy:
    """The loss of a network as a function of some of its weights.

    Args:
        network: The network.
        task: The loss.
        samples: The data.
        sampled: For each weight whether it is sampled.
        training: Whether the network is in training mode.
        masks: Whether it may mask entries of its outputs.
        like, order: As for `energy`.
    """
    held = [w for w, use in zip(network.weights, sampled, strict=True) if not use]
    call = network.call

    def outputs(weights, other, context, rows):
        held, fixed, _, data = context
        x, y, *sample_weight = take(data, rows) if data else rows
        ours, theirs = iter(weights), iter(held)
        all_weights = [next(ours) if use else next(theirs) for use in sampled]
        scores, updated = call(all_weights, other if training else fixed, x, training)
        return y, scores, sample_weight[0] if sample_weight else None, updated

    def batch_loss(weights, other, context, rows):
        y, scores, sample_weight, updated = outputs(weights, other, context, rows)
        losses = task.losses(y, scores, sample_weight, context[2])
        return ops.mean(losses), (updated if training else other, losses)

    def counts(weights, other, context, rows):
        y, scores, sample_weight, _ = outputs(weights, other, context, rows)
        return task.counts(y, scores, sample_weight)

    return Energy(
        anchor=[w for w, use in zip(network.weights, sampled, strict=True) if use],
        other=network.other if training else [],
        context=(held, [] if training else network.other, (), ()),
        num_samples=samples.num_samples,
        batch_loss=batch_loss if like is None else like.batch_loss,
        separately=training and network.draws,
        programs={} if like is None else like.programs,
        order=order,
        counts=counts,
        counts_vary=task.counts_vary or masks,
    ).holding(samples)


def energy(
    model: keras.Model,
    loss: TaskLoss | keras.losses.Loss | Callable,
    samples: Samples,
    variables: list | None = None,
    *,
    training: bool,
    like: Energy | None = None,
    order: np.ndarray | None = None,
) -> Energy:
    """Builds the loss of a model as a function of some of its weights.

    Args:
        model: A built model.
        loss: Its loss; a Keras loss or function, a negative log-likelihood per sample, stands for that of one output.
        samples: The data.
        variables: Those of `model.trainable_variables` that are sampled; all by default.
        training: Whether batch norm and dropout behave as in training.
        like: The loss of another model of the same architecture, with the same `loss`, variables and `training`, whose
            compiled programs are used again.
        order: As in `Energy`.
    """
    task = TaskLoss.of(loss)
    trainable = model.trainable_variables
    chosen = {id(v) for v in (trainable if variables is None else variables)}
    sampled = [id(v) in chosen for v in trainable]
    network = transforms.Network(
        names=[v.path for v in trainable],
        weights=[_value(v) for v in trainable],
        other=[_value(v) for v in model.non_trainable_variables],
        call=lambda weights, other, x, training: model.stateless_call(weights, other, x, **mode(model.call, training)),
        keras_loss=lambda loss: loss,
        draws=any("seed_generator" in v.path for v in model.non_trainable_variables),
    )
    found = energy_of_network(
        network, task, samples, sampled, training=training, masks=_masks(model), like=like, order=order
    )
    if not all(sampled) or order is not None or samples.weights is not None or not samples.resident:
        return found

    means = ops.convert_to_numpy(found.context[2])  # Not `found`: what is compiled must not keep the data alive.

    def per_sample_loss(y, scores):
        return task.losses(y, scores, None, means)

    shortcut = shortcut_of(model, per_sample_loss, samples.x, samples.y, training=training)
    return replace(found, shortcut=shortcut)


def _masks(model: keras.Model) -> bool:
    """Whether a layer of the model may mask entries of its outputs."""
    return any(type(layer).compute_mask is not keras.Layer.compute_mask for layer in layers_inside(model))


def _value(variable: keras.Variable) -> Any:
    return ops.stop_gradient(ops.convert_to_tensor(variable))
