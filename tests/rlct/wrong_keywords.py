"""Calls that a type checker must find fault with: `mypy` says so of each `ignore` that it does not need."""

from keras_selfmodel.rlct import calibrate_rlct, estimate_rlct


def calls(model, data) -> None:
    estimate_rlct(model, data, seed=0, convention="paper", step_size=1e-4, sampler=None)
    estimate_rlct(model, data, sed=0)  # type: ignore[call-arg]
    estimate_rlct(model, data, convention="foo")  # type: ignore[arg-type]
    estimate_rlct(model, data, sampler="sgdl")  # type: ignore[arg-type]
    estimate_rlct(model, data, anchor="trainde")  # type: ignore[arg-type]
    calibrate_rlct(model, data, num_chain=2)  # type: ignore[call-arg]
