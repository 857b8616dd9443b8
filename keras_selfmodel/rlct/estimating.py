"""The RLCT estimator: from a trained model and its data to an `RLCTEstimate`."""

import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Literal, Unpack

import keras

from keras_selfmodel.rlct._arguments import WeightChoice
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.data import MEMORY_LIMIT, Reading, TrainingData
from keras_selfmodel.rlct.problem import Problem
from keras_selfmodel.rlct.profiles import checked_localizations, profiling
from keras_selfmodel.rlct.progress_bar import Reports, Verbose
from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate
from keras_selfmodel.rlct.sampling_changes import SamplingChanges, changed_settings
from keras_selfmodel.rlct.stepwise import alone
from keras_selfmodel.transforms.tensors import AnyModel


class RLCTWarning(UserWarning):
    """An objection to an RLCT estimate; the estimate's `warnings` hold the same sentences."""


def estimate_rlct(
    model: AnyModel,
    data: TrainingData,
    *,
    loss: keras.losses.Loss | Callable | str | None = None,
    settings: SamplingSettings | None = None,
    weights: WeightChoice = None,
    anchor: Literal["trained", "descend"] = "trained",
    observe: dict[str, tuple] | None = None,
    profile: bool | Sequence[float] = False,
    checkpoint: str | PathLike[str] | None = None,
    verbose: Verbose = "auto",
    progress: Callable[[int, int], None] | None = None,
    phase: Callable[[str], None] | None = None,
    class_weight: Mapping[int, float] | None = None,
    num_samples: int | None = None,
    memory_limit: float = MEMORY_LIMIT,
    **changes: Unpack[SamplingChanges],
) -> RLCTEstimate:
    """Estimates the RLCT (local learning coefficient) of a trained model by Langevin dynamics.

        λ̂(w*) = nβ · (mean over draws of L_B(w) − L_B(w*)) − heat

    over chains that start at the trained weights w* and sample p(w) ∝ exp(−nβ L(w) − γ/2 |w − w*|²). The heat is what
    the noise of the batches and the length of the steps add, measured along the chains (`rlct.samplers.Sampler`).
    Without any setting, the step size follows the curvature of the loss that the chains meet and the friction the heat.
    The model is left as it was: weights, random state, training mode.

    Args:
        model: Any built Keras model, functional, Sequential or subclassed; on PyTorch a `torch.nn.Module` too, on JAX
            a module of Equinox or Flax NNX (anything else: `rlct.estimate_of_function`). Of a `SelfModelingModel` the
            pruned classifier is measured. Its trainable weights are sampled; frozen layers are not.
        data: The training samples, as passed to `fit`: `(x, y)` or `(x, y, sample_weight)` of arrays, tables or dicts
            of them, or a data set of such batches, which is read once (docs/rlct-data.md). n is the number of samples,
            whatever their weights.
        loss: A negative log-likelihood per sample. `None` takes the compiled loss, with masks, weights and ignored
            classes as in `evaluate`; of a model that is not compiled, the cross-entropy that its labels and outputs
            suggest (see `RLCTEstimate.loss`). Of several outputs, a list or dict as for `compile`. A function is called
            with (labels, outputs), as in Keras, whatever the model; of a module of PyTorch, PyTorch's own losses
            (`torch.nn.CrossEntropyLoss()`, `torch.nn.functional.cross_entropy`) may be passed too, and are called with
            (outputs, labels) as they are made for. Regularization terms do not belong to it.
        settings: A `SamplingSettings`; `None` takes its defaults.
        weights: Which weights are sampled while the others stay as they are: a layer, a variable, the name of a layer,
            the path of a variable (`variable.path`), or a list of these. `None` takes all that are trainable. Of one
            layer's weights it gives the RLCT of that layer.
        anchor: What w* is: the "trained" weights, or, for "descend", the minimum of nβ L(w) + γ/2 |w − w_trained|²,
            found by as many steps of gradient descent as there are of burn-in. For networks that were trained on
            another loss than the one measured, or not to its minimum.
        observe: Further data sets, `(x, y)` each by its name, whose loss is followed along the same chains:
            `RLCTEstimate.observed_value`.
        profile: Whether the RLCT is also estimated at several localizations, or these localizations, with separate
            chains: `RLCTEstimate.profile`, see `localization_profile`.
        checkpoint: A file that the sampling is written to every half minute. If it exists, the sampling continues
            from it; a finished one is extended if more draws are asked for, and used as it is if fewer are.
        verbose: 0 shows nothing; "auto" and 1 show a progress bar, and what is done before it, on a terminal and in a
            notebook, elsewhere one line for each phase on standard error; 2 shows these lines everywhere.
        progress: Called with (steps done, steps in all) now and then, in place of the bar.
        phase: Called with what begins, in words, such as the descent and what is compiled.
        class_weight: Weight of each class, as for `fit`.
        num_samples: Samples to take, from the first on: n, also of data sets that have no end. `None`: all.
        memory_limit: Bytes up to which the data lie in memory and on the device. More are drawn from a temporary file,
            batch by batch.
        **changes: Fields of `SamplingSettings` to set, such as `seed=1` or `convention="paper"`.

    Returns:
        An `RLCTEstimate`; its `warnings` are also issued as `RLCTWarning`.

    Raises:
        TypeError: If a keyword is unknown.
        ValueError: If data, labels, weights or settings do not fit the model, or the checkpoint is another sampling's.

    Reference:
        Lau et al., "The Local Learning Coefficient: A Singularity-Aware Complexity Measure", arXiv 2308.12108.

    Example:

    >>> import numpy as np
    >>> x = np.repeat(np.random.default_rng(0).normal(size=(1000, 3)), 2, axis=0)
    >>> y = np.tile([0, 1], 1000)  # each point once in either class: zero weights fit best
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    >>> estimate = estimate_rlct(model, (x, y), seed=1)
    >>> 1.5 < estimate.value < 2.5  # 8 weights, 4 of them without effect on the probabilities
    True
    """
    settings = changed_settings(estimate_rlct, settings, changes)
    localizations = None if profile is False else checked_localizations("profile", profile, settings)
    reading: Reading = {"class_weight": class_weight, "num_samples": num_samples, "memory_limit": memory_limit}
    with Reports(verbose, progress, phase) as reports:
        reports.phase("reading the data")
        problem = Problem.of(model, data, loss, weights, observe, training=settings.convention == "paper", **reading)
        estimate = problem.estimate(settings, anchor=anchor, checkpoint=checkpoint, reports=reports)
        if profile is not False:
            found = alone(profiling(problem, settings, localizations, reports))
            estimate = dataclasses.replace(estimate, profile=found)
    issue_warnings(estimate)
    return estimate


def issue_warnings(estimate: RLCTEstimate) -> None:
    """Issues the objections to an estimate as warnings, for the caller of the caller."""
    for sentence in estimate.warnings:
        warnings.warn(sentence, RLCTWarning, stacklevel=3)
