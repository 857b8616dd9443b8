"""The fields of `SamplingSettings` as keywords that a type checker knows."""

from typing import Literal, TypedDict

from keras_selfmodel.rlct.conventions import Convention

SamplerName = Literal["underdamped", "sgld", "rmsprop", "sgnht", "mala"]


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
