"""The tests run on one backend per process: KERAS_BACKEND, or the first that is installed."""

import importlib.util
import os
from pathlib import Path

import pytest

from tests.compiled_once import compiled_once

__all__ = ["compiled_once"]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if not os.environ.get("KERAS_BACKEND"):
    os.environ["KERAS_BACKEND"] = next(
        name for name in ("jax", "tensorflow", "torch") if importlib.util.find_spec(name)
    )
# JAX's tests compile much and compute little: LLVM's optimizations take longer than all the rest.
FAST_COMPILING = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
if os.environ["KERAS_BACKEND"] == "jax" and FAST_COMPILING not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FAST_COMPILING}"
# oneDNN, which TensorFlow and PyTorch compute convolutions with, corrupts the heap on some CPUs where those of two or
# three channels, as in the tests' ResNets, are trained: plain Keras on PyTorch 2.13 ends or hangs then.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
if os.environ["KERAS_BACKEND"] == "torch":
    import torch

    torch.backends.mkldnn.enabled = False
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

# Rooms and files whose tests no backend changes: the program's answers, files, tables, searches, data, examples, and
# what is concluded from estimates. tox runs each of them once. Others may bear the mark.
ANY_BACKEND = (
    "tests/cli",
    "tests/compression",
    "tests/datasets",
    "tests/experiments/custom",
    "tests/experiments/sweeps",
    "tests/experiments/test_kept_epochs.py",
    "tests/experiments/test_objectives.py",
    "tests/experiments/test_other_tasks.py",
    "tests/experiments/test_resume.py",
    "tests/experiments/test_run_folder.py",
    "tests/faults",
    "tests/models/test_arguments.py",
    "tests/reporting",
    "tests/rlct/test_wrong_arguments.py",
    "tests/statistics",
    "tests/studies",
    "tests/tuning",
    "tests/test_typed_files.py",
)
# Among these, what samples long chains, in which JAX takes a step in a quarter of PyTorch's time. It is run there, as
# are single tests with the mark `long_chains`: each backend samples, but not each of them every sampler and setting.
# All others are run on PyTorch, which compiles nothing.
LONG_CHAINS = (
    "keras_selfmodel/callbacks/rlct.py",
    "keras_selfmodel/rlct/calibrating.py",
    "keras_selfmodel/rlct/estimating.py",
    "keras_selfmodel/rlct/functions.py",
    "keras_selfmodel/rlct/profiles.py",
    "tests/experiments/test_rlct_problems.py",
    "tests/rlct/test_calibrating.py",
    "tests/rlct/test_classic_tables.py",
    "tests/rlct/test_deep_linear_networks.py",
    "tests/rlct/test_rescaling.py",
    "tests/rlct/test_target_error.py",
    "tests/rlct/test_truth_set.py",
    "tests/test_docs.py",
    "tests/test_examples.py",
)
# Among them, what computes in a way of its own on each backend. Single tests, such as those of what a user meets first,
# bear the mark `every_backend` instead.
EVERY_BACKEND = (
    "tests/cli/test_backend.py",
    "tests/datasets/test_model_inputs.py",
    "tests/experiments/sweeps/test_measuring_together.py",
    "tests/experiments/sweeps/test_training_together.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(root).as_posix()
        everywhere = place in EVERY_BACKEND or item.get_closest_marker("every_backend")
        if place.startswith(ANY_BACKEND) and not everywhere:
            item.add_marker("any_backend")
        long_chains = item.get_closest_marker("long_chains") or place.startswith(LONG_CHAINS)
        if long_chains or item.get_closest_marker("any_backend"):
            home = "jax" if long_chains else "torch"
            if os.environ["KERAS_BACKEND"] != home:
                item.add_marker("elsewhere")


@pytest.fixture(autouse=True)
def seeded(request: pytest.FixtureRequest) -> None:
    """Every test has the same random numbers, whatever ran before it and beside it."""
    if request.node.get_closest_marker("on_cpu"):
        from keras_selfmodel import transforms

        if not transforms.devices()[0].lower().startswith("cpu"):
            pytest.skip("compares bits, and GPUs add in an order of their own, or an error that ends CUDA")
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs draw no figures, which would take longer than all the rest of a tiny run."""
    from keras_selfmodel.experiments.stages import concluding

    monkeypatch.setattr(concluding, "run_figures", lambda *_: {})
