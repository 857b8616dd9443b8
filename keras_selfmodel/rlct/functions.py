"""The RLCT of anything that has weights and a loss for each sample."""

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import Any, Literal, Unpack

import keras
import numpy as np
from keras import ops

from keras_selfmodel._numbers import whole_number
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.data import (
    MEMORY_LIMIT,
    Samples,
    TrainingData,
    checked_memory_limit,
    each_observed,
    samples_of,
)
from keras_selfmodel.rlct.data.arrays import as_arrays
from keras_selfmodel.rlct.energy import energy_of_losses
from keras_selfmodel.rlct.estimating import issue_warnings
from keras_selfmodel.rlct.problem import Problem
from keras_selfmodel.rlct.progress_bar import Reports, Verbose
from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate
from keras_selfmodel.rlct.sampling_changes import SamplingChanges, changed_settings
from keras_selfmodel.rlct.structures import flattened
from keras_selfmodel.transforms.tensors import Tree


def estimate_of_function(
    losses: Callable,
    weights: Tree,
    data: TrainingData | Tree,
    *,
    settings: SamplingSettings | None = None,
    anchor: Literal["trained", "descend"] = "trained",
    observe: dict | None = None,
    checkpoint: str | PathLike[str] | None = None,
    verbose: Verbose = "auto",
    progress: Callable[[int, int], None] | None = None,
    phase: Callable[[str], None] | None = None,
    num_samples: int | None = None,
    memory_limit: float = MEMORY_LIMIT,
    **changes: Unpack[SamplingChanges],
) -> RLCTEstimate:
    """Estimates the RLCT (local learning coefficient) of a loss that is given as a function.

    `estimate_rlct` makes such a function of a Keras model and its loss, and then does the same. With one seed the same
    network gives the same number either way, if its weights have the same order and shapes.

    Args:
        losses: `losses(weights, batch) -> (batch,)`: a negative log-likelihood of each sample, computed by the backend
            (or `keras.ops`) from a structure like `weights` and one like `data`. It is compiled, and must not change
            anything. With convention="paper" it is the same function.
        weights: w*, a structure of arrays: nested dicts, lists and tuples, on JAX any registered tree.
        data: A structure of arrays with one row for each sample, such as `(x, y)` or `{"tokens": tokens}`; or a data
            set of batches as for `estimate_rlct`, whose batches the function gets.
        settings: As for `estimate_rlct`.
        anchor: As for `estimate_rlct`.
        observe: Further data, each by its name.
        checkpoint: As for `estimate_rlct`.
        verbose: As for `estimate_rlct`.
        progress: As for `estimate_rlct`.
        phase: As for `estimate_rlct`.
        num_samples: As for `estimate_rlct`.
        memory_limit: As for `estimate_rlct`.
        **changes: As for `estimate_rlct`.

    Returns:
        An `RLCTEstimate`, as from `estimate_rlct`.

    Raises:
        TypeError: If a keyword is unknown.
        ValueError: If the function does not return a loss for each sample, or data or settings do not fit.

    Example:

    >>> import numpy as np
    >>> def losses(weights, batch):
    ...     return 0.5 * ops.square(batch["y"] - batch["x"] * weights["slope"] - weights["shift"])
    >>> x = np.random.default_rng(0).normal(size=400)
    >>> at = {"slope": np.ones(()), "shift": np.zeros(())}
    >>> estimate = estimate_of_function(losses, at, {"x": x, "y": x}, seed=1, localization=1.0)
    >>> 0.8 < estimate.value < 1.2  # two weights, both of which count: 2/2
    True
    """
    settings = changed_settings(estimate_of_function, settings, changes)
    if not callable(losses):
        raise ValueError(f"losses must be a function of weights and a batch. Received: losses={losses!r}")
    found, rebuild = flattened(weights)
    found = [array if hasattr(array, "dtype") else np.asarray(array) for array in found]
    if not found or not all(map(_holds_numbers, found)):
        raise ValueError(f"weights must hold arrays of numbers. Received: weights={weights!r}")
    # Of half precision too, in which a loss would not show how it differs from that at w*.
    found = [ops.stop_gradient(ops.cast(ops.convert_to_tensor(array), keras.config.floatx())) for array in found]
    samples, whole = _samples(data, num_samples, memory_limit)
    others = each_observed(observe, lambda other: _samples(other, None, memory_limit)[0])

    def of_rows(arrays, rows):
        values = losses(rebuild(arrays), rows if whole else rows[0])
        count = keras.tree.flatten(rows)[0].shape[0]
        shape = tuple(values.shape) if hasattr(values, "shape") else None
        if shape != (count,):
            raise ValueError(
                f"losses must return a number for each sample, an array of shape ({count},). Received: "
                f"{repr(values) if shape is None else f'shape {shape}'}"
            )
        return values

    here = energy_of_losses(of_rows, found, samples)
    problem = Problem(here, each_observed(others, here.on), "a function of weights and data")
    with Reports(verbose, progress, phase) as reports:
        estimate = problem.estimate(settings, anchor=anchor, checkpoint=checkpoint, reports=reports)
    issue_warnings(estimate)
    return estimate


def _holds_numbers(array: Any) -> bool:
    try:
        dtype = keras.backend.standardize_dtype(array.dtype)
    except ValueError:  # Texts and objects.
        return False
    return dtype == "bool" or keras.backend.is_float_dtype(dtype) or keras.backend.is_int_dtype(dtype)


def _samples(data: TrainingData | Tree, num_samples: int | None, memory_limit: float) -> tuple[Samples, bool]:
    """The samples, and whether their trees are what the function takes, or only the first of them."""
    if not isinstance(data, (dict, list, tuple)) and not hasattr(data, "shape"):
        return samples_of(data, num_samples=num_samples, memory_limit=memory_limit), True
    samples = Samples(as_arrays(data, "data"), memory_limit=checked_memory_limit(memory_limit))
    lengths = sorted({len(array) for array in samples.arrays})
    if len(lengths) != 1 or lengths[0] < 3:
        raise ValueError(
            f"All arrays of data must have one row for each of 3 or more samples. Received: {lengths} rows"
        )
    if num_samples is None:
        return samples, False
    num_samples = whole_number("num_samples", num_samples, 3)
    if num_samples > lengths[0]:
        raise ValueError(f"num_samples={num_samples} is more than there are. Received: {lengths[0]} samples")
    first = keras.tree.map_structure(lambda array: array[:num_samples], samples.x)
    return replace(samples, x=first), False
