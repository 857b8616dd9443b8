"""The tests run on one backend per process: KERAS_BACKEND, or the first that is installed."""

import importlib.util
import os
from pathlib import Path

import pytest

from tests.compiled_once import compiled_once  # noqa: F401

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if not os.environ.get("KERAS_BACKEND"):
    os.environ["KERAS_BACKEND"] = next(
        name for name in ("jax", "tensorflow", "torch") if importlib.util.find_spec(name)
    )
if os.environ["KERAS_BACKEND"] == "torch":
    # The tests' arrays are small: several threads only wait for each other, for minutes on a busy machine.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Doctests are collected by importing; another backend's files need that backend.
collect_ignore = [
    str(path)
    for name in ("jax", "tensorflow", "torch")
    if name != os.environ["KERAS_BACKEND"]
    for room in ("transforms/_", "_internals/")
    for path in Path(__file__).parent.glob(f"keras_selfmodel/{room}{name}*.py")
]


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test has the same random numbers, whatever ran before it and beside it."""
    import keras

    keras.utils.set_random_seed(0)
