"""The RLCT estimator: from a trained model and its data to an `RLCTEstimate`."""

import dataclasses
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from keras import ops

from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel.rlct._arguments import resolve_data, resolve_loss, resolve_variables
from keras_selfmodel.rlct.batches import paper_batches, random_batches
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.curvature import difference_length
from keras_selfmodel.rlct.descent import descend
from keras_selfmodel.rlct.energy import Energy, energy
from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate
from keras_selfmodel.rlct.samplers import SAMPLERS
from keras_selfmodel.rlct.sampling import Sampling


class RLCTWarning(UserWarning):
    """Something speaks against an RLCT estimate; the estimate's `warnings` hold the same sentences."""


def estimate_rlct(
    model: keras.Model,
    data: tuple,
    *,
    loss: keras.losses.Loss | Callable | str | None = None,
    settings: SamplingSettings | None = None,
    weights=None,
    anchor: Literal["trained", "descend"] = "trained",
    observe: dict[str, tuple] | None = None,
    checkpoint: str | Path | None = None,
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
        weights: Which weights are sampled while the others stay as they are: a layer, a variable, the name of a layer,
            the path of a variable (`variable.path`), or a list of these. `None` takes all that are trainable. Of one
            layer's weights it gives the RLCT of that layer.
        anchor: What w* is: the "trained" weights, or, for "descend", the minimum of nβ L(w) + γ/2 |w − w_trained|²,
            found by as many steps of gradient descent as there are of burn-in. For networks that were trained on
            another loss than the one measured, or not to its minimum.
        observe: Further data sets, `(x, y)` each by its name, whose loss is followed along the same chains:
            `RLCTEstimate.observed_value`.
        checkpoint: A file that the sampling is written to every half minute. If it is there, the sampling goes on
            where it ends; with more draws than before, it is continued.
        progress: Called with (steps done, steps in all) now and then.
        **changes: Fields of `SamplingSettings` to set, such as `seed=1` or `convention="paper"`.

    Returns:
        An `RLCTEstimate`; its `warnings` are also issued as `RLCTWarning`.

    Raises:
        ValueError: If data, labels, weights or settings do not fit the model, or the checkpoint is another sampling's.

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
    others = {name: resolve_data(model, pair, loss) for name, pair in (observe or {}).items()}
    settings = SamplingSettings(**changes) if settings is None else dataclasses.replace(settings, **changes)
    if settings.batch_size > num_samples:
        raise ValueError(
            f"batch_size must be at most the number of samples. Received: batch_size={settings.batch_size} with "
            f"{num_samples} samples"
        )
    if SAMPLERS[settings.sampler].acceptance is not None and settings.batch_size < num_samples:
        raise ValueError(
            f"sampler={settings.sampler!r} accepts draws by the loss of all data: it needs batch_size={num_samples}. "
            f"Received: batch_size={settings.batch_size}"
        )
    if anchor not in ("trained", "descend"):
        raise ValueError(f"anchor must be 'trained' or 'descend'. Received: {anchor!r}")
    variables = resolve_variables(model, weights)
    trained = energy(model, loss, x, y, variables, training=settings.convention == "paper")

    anchored, descent, evaluations = trained, None, 0
    if anchor == "descend":
        anchored, descent, evaluations = descend(trained, settings, max(settings.burn_in, 1))
    sampling = Sampling(
        anchored,
        settings,
        {name: anchored.on(*pair) for name, pair in others.items()},
        None if checkpoint is None else Path(checkpoint),
        progress,
        identity={"trained weights": trained.anchor, "data": trained.context, "anchor": anchor},
    )
    traces = sampling.run()
    term, term_evaluations = _gradient_term(anchored, settings)
    traces["gradient_evaluations"] += evaluations + term_evaluations
    estimate = RLCTEstimate(
        settings=settings,
        num_samples=num_samples,
        num_parameters=anchored.num_parameters,
        inverse_temperature=settings.inverse_temperature_for(num_samples),
        localization=settings.localization_for(num_samples),
        initial_loss=sampling.initial_loss,
        anchor_norm=math.hypot(*(np.linalg.norm(ops.convert_to_numpy(w)) for w in anchored.anchor)),
        gradient_term=term,
        descent=descent,
        **traces,
    )
    for sentence in estimate.warnings:
        warnings.warn(sentence, RLCTWarning, stacklevel=2)
    return estimate


def _gradient_term(energy: Energy, settings: SamplingSettings) -> tuple[float, int]:
    """How far nβ L falls along the gradient at w*: nβ|∇L|²/(2h), h the curvature of L in its direction and γ/nβ.

    Returns:
        The term, and the number of gradients of a batch computed.
    """
    batches = paper_batches(energy.num_samples, settings.batch_size)
    gradient = energy.gradient(batches)
    square = sum(float(ops.sum(g * g)) for g in gradient)
    if not square > 0:
        return square, len(batches)
    norm = math.sqrt(sum(float(ops.sum(w * w)) for w in energy.anchor))
    direction, length = [g / math.sqrt(square) for g in gradient], difference_length(norm)
    # One batch: the curvature need not be known better than to some per cent.
    some = random_batches(np.random.default_rng([settings.seed, 4]), 1, energy.num_samples, settings.batch_size)
    above, below = (
        energy.at([w + sign * length * d for w, d in zip(energy.anchor, direction, strict=True)]).gradient(list(some))
        for sign in (1.0, -1.0)
    )
    differences = zip(direction, above, below, strict=True)
    curvature = sum(float(ops.sum(d * (a - b))) for d, a, b in differences) / (2 * length)
    nbeta = settings.inverse_temperature_for(energy.num_samples)
    # Where the loss curves downward, the pull of the localization alone ends the fall.
    whole = max(curvature, 0.0) + settings.localization_for(energy.num_samples) / nbeta
    return nbeta * square / (2 * whole) if whole > 0 else math.inf, len(batches) + 2
