"""The RLCT estimator: from a trained model and its data to an `RLCTEstimate`."""

import dataclasses
import warnings
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel.rlct._arguments import resolve_data, resolve_loss
from keras_selfmodel.rlct.batches import batch_indices, paper_batches
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.energy import energy, losses_at, take
from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate
from keras_selfmodel.rlct.sgld import sgld_step


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
    """Estimates the RLCT (local learning coefficient) of a trained model by SGLD.

        λ̂(w*) = nβ · (mean over draws of L_B(w) − L_B(w*))

    over chains that start at the trained weights w* and sample p(w) ∝ exp(−nβ L(w) − γ/2 |w − w*|²). The model is left
    as it was: weights, random state, training mode.

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
    >>> estimate = estimate_rlct(model, (x, y), seed=1, step_size=5e-2, localization=1.0, batch_size=64)
    >>> 1.5 < estimate.value < 2.5  # 8 weights, 4 of them without effect on the probabilities
    True
    """
    compiled_loss = model.loss if loss is None and model.compiled else loss
    model = classifier_of(model)
    loss = resolve_loss(model, compiled_loss)
    x, y, num_samples = resolve_data(model, data, loss)
    settings = dataclasses.replace(settings or SamplingSettings(), **changes)
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
    num_parameters = sum(int(np.prod(v.shape)) for v in anchor)
    nbeta = settings.inverse_temperature(num_samples)

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

    program = _chain_program(batch_loss, settings, nbeta, separately=training and _draws_random_numbers(model))
    state = (
        [ops.repeat(w[None], settings.num_chains, axis=0) for w in anchor],
        [ops.repeat(v[None], settings.num_chains, axis=0) for v in fixed],
        transforms.random_key(int(np.random.default_rng([settings.seed]).integers(2**31))),
    )
    losses = np.full((settings.num_chains, settings.num_steps), np.nan)
    reference_losses = np.full_like(losses, np.nan)
    done = 0
    for indices in batch_indices(settings, num_samples):
        state, trace = program(state, ops.convert_to_tensor(indices), anchor, x, y)
        stop = done + len(indices)
        losses[:, done:stop] = ops.convert_to_numpy(trace).T
        reference_losses[:, done:stop] = reference[done:stop] if training else per_sample[indices].mean(axis=2).T
        done = stop
        if progress is not None:
            progress(done, settings.num_steps)
        if not np.isfinite(losses[:, :done]).all():
            break  # The estimate is NaN from here on; more steps would only take time.

    estimate = RLCTEstimate(settings, num_samples, num_parameters, nbeta, initial_loss, losses, reference_losses)
    for sentence in estimate.warnings:
        warnings.warn(sentence, RLCTWarning, stacklevel=2)
    return estimate


def _chain_program(batch_loss: Callable, settings: SamplingSettings, nbeta: float, *, separately: bool) -> Callable:
    """Compiles `(state, indices, anchor, x, y) -> (state, losses)` for some steps of all chains.

    The state is (weights, other variables, key), with a leading axis of chains on the arrays.
    """
    differentiate = transforms.value_and_grad(batch_loss)

    def run(state, indices, anchor, x, y):
        def gradient(weights, other, index):
            (loss, (other, _)), gradients = differentiate(weights, other, take(x, index), take(y, index))
            return loss, gradients, other

        all_gradients = transforms.map_chains(gradient, separately=separately)

        def step(state, index):
            weights, other, key = state
            losses, gradients, other = all_gradients(weights, other, index)
            key, noise = transforms.normals(key, weights)
            weights = [
                sgld_step(
                    w,
                    a,
                    g,
                    z,
                    step_size=settings.step_size,
                    inverse_temperature=nbeta,
                    localization=settings.localization,
                )
                for w, a, g, z in zip(weights, anchor, gradients, noise, strict=True)
            ]
            return (weights, other, key), losses

        return transforms.scan(step, state, indices)

    return transforms.jit(run)


def _draws_random_numbers(model: keras.Model) -> bool:
    return any("seed_generator" in variable.path for variable in model.non_trainable_variables)
