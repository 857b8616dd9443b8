"""Calls that a type checker must find fault with: `mypy` says so of each `ignore` that it does not need."""

from typing import Any

from keras_selfmodel.callbacks import RLCT
from keras_selfmodel.rlct import calibrate_rlct, estimate_of_function, estimate_rlct


def calls(model: Any, data: Any) -> None:
    estimate_rlct(model, data, seed=0, convention="paper", step_size=1e-4, sampler=None)
    estimate_rlct(model, data, sed=0)  # type: ignore[call-arg]
    estimate_rlct(model, data, convention="foo")  # type: ignore[arg-type]
    estimate_rlct(model, data, sampler="sgdl")  # type: ignore[arg-type]
    estimate_rlct(model, data, anchor="trainde")  # type: ignore[arg-type]
    calibrate_rlct(model, data, num_chain=2)  # type: ignore[call-arg]
    estimate_of_function(len, [], data, sed=0)  # type: ignore[call-arg]
    RLCT(data, every=2, seed=0, anchor="descend")
    RLCT(data, sed=0)  # type: ignore[call-arg]
    RLCT(data, anchor="trainde")  # type: ignore[arg-type]
