"""The fields of `SamplingSettings` as keywords, typed, so that a type checker finds a misspelt one."""

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, TypedDict

from keras_selfmodel.rlct._arguments import WeightChoice
from keras_selfmodel.rlct.conventions import Convention, SamplingSettings
from keras_selfmodel.rlct.data import Reading
from keras_selfmodel.rlct.progress_bar import Verbose
from keras_selfmodel.rlct.samplers import SamplerName


class CalibrationChanges(TypedDict, total=False):
    """What `**changes` of `calibrate_rlct` may hold, which has a `target_error` of its own."""

    convention: Convention
    sampler: SamplerName | None
    step_size: float | None
    localization: float | None
    inverse_temperature: float | Literal["auto"] | None
    num_chains: int | None
    num_draws: int | None
    burn_in: int | None
    thinning: int
    batch_size: int | None
    chains_at_once: int | None
    control_variate: bool | None
    seed: int


class SamplingChanges(CalibrationChanges, total=False):
    """What `**changes` of `estimate_rlct` may hold: the fields of `SamplingSettings`."""

    target_error: float | None


class EstimateArguments(SamplingChanges, Reading, total=False):
    """Keywords of `estimate_rlct` besides `settings`, for functions that pass their own on to it."""

    loss: Any
    weights: WeightChoice
    anchor: Literal["trained", "descend"]
    observe: dict[str, tuple] | None
    profile: bool | Sequence[float]
    checkpoint: str | PathLike[str] | None
    verbose: Verbose
    progress: Callable[[int, int], None] | None
    phase: Callable[[str], None] | None


def changed_settings(
    function: Callable, settings: SamplingSettings | None, changes: Mapping[str, Any]
) -> SamplingSettings:
    """The settings of an estimate.

    Args:
        function: Whose `settings` and `**changes` they are.
        settings: As passed to it; `None` for the defaults.
        changes: Fields to set.

    Raises:
        TypeError: If a keyword is unknown, or `settings` is not a `SamplingSettings`.
    """
    check_keywords(function, changes)
    if settings is None:
        return SamplingSettings(**changes)
    if not isinstance(settings, SamplingSettings):
        raise TypeError(
            f"settings must be a SamplingSettings; its fields can be given as keywords too, {function.__name__}(..., "
            f"num_draws=100). Received: settings={settings!r} of type {type(settings).__name__}"
        )
    return dataclasses.replace(settings, **changes)


def check_keywords(function: Callable, given: Iterable[str], caller: str | None = None) -> None:
    """Raises TypeError for keywords that are neither the function's nor fields of `SamplingSettings`.

    Args:
        function: What takes them.
        given: Their names.
        caller: What the user called, if it is not the function.
    """
    parameters = inspect.signature(function).parameters.values()
    keywords = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    fields = [field.name for field in dataclasses.fields(SamplingSettings) if field.name not in keywords]
    for name in given:
        if name not in (*keywords, *fields):
            close = difflib.get_close_matches(name, (*keywords, *fields), 1)
            raise TypeError(
                f"{caller or function.__name__} got an unexpected keyword argument {name!r}. "
                f"{f'Did you mean {close[0]!r}? ' if close else ''}It takes {', '.join(keywords)}, and of the settings "
                f"{', '.join(fields)}."
            )
