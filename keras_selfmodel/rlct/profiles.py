"""λ̂ against the localization, on one set of chains whose localization is lowered step by step."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Unpack

import keras
import numpy as np

from keras_selfmodel._numbers import finite_and_positive, number_in
from keras_selfmodel.rlct._arguments import WeightChoice
from keras_selfmodel.rlct.batches import paper_batches
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.continuing import continued
from keras_selfmodel.rlct.conventions import SamplingSettings
from keras_selfmodel.rlct.data import TrainingData
from keras_selfmodel.rlct.prior_width import weight_scale
from keras_selfmodel.rlct.problem import Problem
from keras_selfmodel.rlct.profile_of_localizations import LocalizationProfile
from keras_selfmodel.rlct.progress_bar import Reports, Verbose
from keras_selfmodel.rlct.sampling_changes import SamplingChanges, changed_settings
from keras_selfmodel.rlct.standard_error import sampling_error
from keras_selfmodel.rlct.stepwise import Stepwise, alone
from keras_selfmodel.transforms.tensors import AnyModel

# Localizations in units of γ₀ = d/R², that of a prior as wide as the weights.
STRENGTHS = tuple(10.0**exponent for exponent in (1, 0.5, 0, -0.5, -1, -1.5, -2))
# Draws at each of them, as a part of those of an estimate, and steps before them to settle.
DRAWS, SETTLING = 0.5, 0.25


def localization_profile(
    model: AnyModel,
    data: TrainingData,
    *,
    localizations: Sequence[float] | None = None,
    settings: SamplingSettings | None = None,
    loss: keras.losses.Loss | Callable | str | None = None,
    weights: WeightChoice = None,
    verbose: Verbose = "auto",
    progress: Callable[[int, int], None] | None = None,
    phase: Callable[[str], None] | None = None,
    **changes: Unpack[SamplingChanges],
) -> LocalizationProfile:
    """Estimates the RLCT at several localizations, with chains whose localization is weakened step by step.

    Args:
        model: As for `estimate_rlct`.
        data: As for `estimate_rlct`.
        localizations: γ > 0; `None` takes 10 γ₀ to γ₀/100 in steps of √10, with γ₀ = d/R² the localization of a prior
            as wide as the weights.
        settings: A `SamplingSettings` with the convention "dataset"; each localization takes half of its draws, and a
            quarter as many steps before them.
        loss: As for `estimate_rlct`.
        weights: As for `estimate_rlct`.
        verbose: As for `estimate_rlct`.
        progress: As for `estimate_rlct`.
        phase: As for `estimate_rlct`.
        **changes: Fields of `SamplingSettings` to set.

    Returns:
        A `LocalizationProfile`.

    Raises:
        ValueError: If the arguments do not fit each other, the model or the data.

    Example:

    >>> x = np.repeat(np.random.default_rng(0).normal(size=(1000, 3)), 2, axis=0)
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    >>> short = {"burn_in": 200, "num_draws": 200, "seed": 1}
    >>> profile = localization_profile(model, (x, np.tile([0, 1], 1000)), localizations=[10.0, 1.0], **short)
    >>> profile.values.shape, bool(profile.distances[0] < profile.distances[1])
    ((2,), True)
    """
    settings = changed_settings(localization_profile, settings, changes)
    found = checked_localizations("localizations", localizations, settings)
    with Reports(verbose, progress, phase) as reports:
        reports.phase("reading the data")
        problem = Problem.of(model, data, loss, weights, None, training=False)
        return alone(profiling(problem, settings, found, reports))


def checked_localizations(name: str, given: Any, settings: SamplingSettings) -> list[float] | None:
    """The localizations of a profile, largest first; `None` for those it has by itself.

    Args:
        name: What the argument is called.
        given: What the user passed; `None` and True mean the profile's own.
        settings: Those of the estimate.

    Raises:
        ValueError: If they are none, or the settings fix the localization.
    """
    if settings.convention != "dataset":
        raise ValueError("convention='paper' fixes γ: there is no profile of it. Take convention='dataset'.")
    if given is None or given is True:
        return None
    found = [number_in(one) for one in given] if isinstance(given, Iterable) else []
    if not found or not all(one is not None and finite_and_positive(one) for one in found):
        raise ValueError(
            f"{name} must be a list of localizations, each finite and positive, such as [100.0, 10.0]. Received: "
            f"{name}={given!r}"
        )
    return sorted((float(one) for one in found if one is not None), reverse=True)


def profiling(
    problem: Problem, settings: SamplingSettings, localizations: list[float] | None, reports: Reports
) -> Stepwise[LocalizationProfile]:
    """Asks for the steps of a profile, and reports them.

    Args:
        problem: What is measured.
        settings: As of `localization_profile`.
        localizations: As `checked_localizations` returns them.
        reports: What is told of them.
    """
    energy = problem.energy
    unit = energy.num_parameters / weight_scale(energy.anchor)
    found = np.array([unit * s for s in STRENGTHS] if localizations is None else localizations)
    settings = dataclasses.replace(settings, localization=float(found[0]))
    settings = settings.resolved(energy.num_samples, energy.num_parameters, energy.num_parameters / unit)
    reports.phase(f"profile of {len(found)} localizations: curvature and first steps, which are compiled")
    batches = paper_batches(energy.num_samples, settings.batch_size)
    per_sample = np.concatenate(energy.losses(batches))
    gradient = energy.gradient(batches) if settings.control_variate else None
    chains = Chains(energy, settings, range(settings.num_chains), gradient)
    most = energy.steps_per_call(settings)
    settling, draws = (max(2, int(part * settings.num_draws * settings.thinning)) for part in (SETTLING, DRAWS))
    total = settings.burn_in + len(found) * (settling + draws)
    yield from continued(chains, settings.burn_in, per_sample, settings, 0, most)
    reports.steps(settings.burn_in, total)
    rows = []
    for number, localization in enumerate(found, 1):
        chains.localization = float(localization)
        stretch = yield from continued(chains, settling + draws, per_sample, settings, 0, most)
        reports.steps(settings.burn_in + number * (settling + draws), total)
        excess, corrected, squares, virial = (values[:, settling:] for values in stretch)
        held = 0.5 * localization * squares.mean()
        filled = held + 0.5 * settings.inverse_temperature * virial.mean() - (excess - corrected).mean()
        error = sampling_error(corrected, squares)
        rows.append((corrected.mean(), error, math.sqrt(squares.mean()), held, 0.5 * energy.num_parameters - filled))
    evaluations = chains.gradient_evaluations + (len(batches) if settings.control_variate else 0)
    values, errors, distances, held, unfilled = (np.array(column) for column in zip(*rows, strict=True))
    return LocalizationProfile(
        found,
        values,
        errors,
        distances,
        held,
        unfilled,
        unit,
        settings.inverse_temperature,
        energy.num_parameters,
        evaluations,
    )
