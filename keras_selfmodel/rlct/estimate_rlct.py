"""The RLCT estimator: from a trained model and its data to an `RLCTEstimate`."""

import dataclasses
import math
import warnings
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel.rlct._arguments import resolve_data, resolve_loss
from keras_selfmodel.rlct.batches import batch_indices, paper_batches
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.energy import energy, losses_at
from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate


class RLCTWarning(UserWarning):
    """Something speaks against an RLCT estimate; the estimate's `warnings` hold the same sentences."""


def estimate_rlct(
    model: keras.Model,
    data: tuple,
    *,
    loss: keras.losses.Loss | Callable | str | None = None,
    settings: SamplingSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
    **changes,
) -> RLCTEstimate:
    """Estimates the RLCT (local learning coefficient) of a trained model by Langevin dynamics.

        λ̂(w*) = nβ · (mean over draws of L_B(w) − L_B(w*)) − heat

    over chains that start at the trained weights w* and sample p(w) ∝ exp(−nβ L(w) − γ/2 |w − w*|²). The heat is what
    the noise of the batches and the length of the steps add, measured along the chains (`rlct.samplers.Sampler`).
    Without any setting, the step size follows the curvature of the loss that the chains meet and the friction the heat.
    The model is left as it was: weights, random state, training mode.

    Args:
        model: Any built Keras model with one output. Of a `SelfModelingModel` the pruned classifier is measured.
            Its trainable weights are sampled; frozen layers are not.
        data: `(x, y)` as passed to `fit`: the training samples, as arrays.
        loss: A negative log-likelihood per sample. `None` takes the compiled loss; of a model that is not compiled,
            cross-entropy of class scores (from logits, unless the last layer is a softmax). Regularization terms do
            not belong to it.
        settings: A `SamplingSettings`; `None` takes its defaults.
        progress: Called with (steps done, steps in all) now and then.
        **changes: Fields of `SamplingSettings` to set, such as `seed=1` or `convention="paper"`.

    Returns:
        An `RLCTEstimate`; its `warnings` are also issued as `RLCTWarning`.

    Raises:
        ValueError: If data, labels or settings do not fit the model.

    Reference:
        Lau et al., "The Local Learning Coefficient: A Singularity-Aware Complexity Measure", arXiv 2308.12108.

    Example:

    >>> x = np.repeat(np.random.default_rng(0).normal(size=(32, 3)), 2, axis=0)
    >>> y = np.tile([0, 1], 32)  # each point once in either class: zero weights fit best
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    >>> estimate = estimate_rlct(model, (x, y), seed=1, batch_size=64)
    >>> 1.5 < estimate.value < 2.5  # 8 weights, 4 of them without effect on the probabilities
    True
    """
    compiled_loss = model.loss if loss is None and model.compiled else loss
    model = classifier_of(model)
    loss = resolve_loss(model, compiled_loss)
    x, y, num_samples = resolve_data(model, data, loss)
    settings = SamplingSettings(**changes) if settings is None else dataclasses.replace(settings, **changes)
    if settings.batch_size > num_samples:
        raise ValueError(
            f"batch_size must be at most the number of samples. Received: batch_size={settings.batch_size} with "
            f"{num_samples} samples"
        )
    x, y = keras.tree.map_structure(ops.convert_to_tensor, (x, y))
    training = settings.convention == "paper"
    batch_loss = energy(model, loss, training=training)
    anchor = [ops.convert_to_tensor(v) for v in model.trainable_variables]
    if not anchor:
        raise ValueError("The model has no trainable weights to sample: set layer.trainable = True where it should.")
    fixed = [ops.convert_to_tensor(v) for v in model.non_trainable_variables]

    # Under "dataset" a sample's loss at w* is one number; in training mode it depends on its batch.
    batches = paper_batches(num_samples, settings.batch_size)
    at_anchor = losses_at(batch_loss, anchor, fixed, x, y, batches)
    if training:
        means = np.array([losses.mean() for losses in at_anchor])
        reference = np.resize(means, settings.num_steps)
        initial_loss = float(means[np.arange(settings.num_chains) % len(means)].mean())
    else:
        per_sample = np.concatenate(at_anchor)
        initial_loss = float(per_sample.mean())

    chains = Chains(
        batch_loss,
        anchor,
        fixed,
        (x, y),
        num_samples,
        settings,
        separately=training and _draws_random_numbers(model),
    )
    steps, shape = settings.num_steps, (settings.num_chains, settings.num_steps)
    losses, reference_losses, heat = (np.full(shape, np.nan) for _ in range(3))
    step_sizes = np.full(steps, np.nan)
    done = 0
    for indices in batch_indices(settings, num_samples):
        stop = done + len(indices)
        at_reference = reference[done:stop] if training else per_sample[indices].mean(axis=2).T
        losses[:, done:stop], heat[:, done:stop] = chains.advance(indices, at_reference)
        reference_losses[:, done:stop] = at_reference
        step_sizes[done:stop] = chains.step_size
        done = stop
        if progress is not None:
            progress(done, steps)
        if not np.isfinite(losses[:, :done]).all():
            break  # The estimate is NaN from here on; more steps would only take time.

    estimate = RLCTEstimate(
        settings=settings,
        num_samples=num_samples,
        num_parameters=chains.num_parameters,
        inverse_temperature=chains.inverse_temperature,
        localization=chains.localization,
        initial_loss=initial_loss,
        losses=losses,
        reference_losses=reference_losses,
        heat=heat,
        step_sizes=step_sizes,
        distance=chains.distance(),
        anchor_norm=math.hypot(*(np.linalg.norm(ops.convert_to_numpy(w)) for w in anchor)),
        gradient_evaluations=chains.gradient_evaluations,
    )
    for sentence in estimate.warnings:
        warnings.warn(sentence, RLCTWarning, stacklevel=2)
    return estimate


def _draws_random_numbers(model: keras.Model) -> bool:
    return any("seed_generator" in variable.path for variable in model.non_trainable_variables)
