"""Every example runs, and stays short."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import keras
import pytest

# It brings TensorFlow, whatever the backend, so that no environment of the tests has it.
NEEDS = {"self_modeling_transformer": "keras_hub"}
ARGUMENTS = {"self_modeling_transformer": ["small"]}
# What an example shows on purpose. Whether the chains agree to the last is a matter of the backend's random numbers.
WARNS = {"rlct_of_a_plain_model": ["The estimate depends on the localization", "The chains do not agree"]}
EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example):
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60
    needed = NEEDS.get(example.stem)
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"it needs {needed}, which is not installed")
    backend = example.stem.removeprefix("custom_loop_")
    if backend in ("jax", "tensorflow", "torch") and backend != keras.config.backend():
        pytest.skip(f"it is for {backend}")
    command = [sys.executable, str(example), *ARGUMENTS.get(example.stem, [])]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip()
    warned = [line for line in finished.stdout.splitlines() if "Warning" in line]
    expected = WARNS.get(example.stem, ())
    assert bool(warned) == bool(expected)
    assert [
        line for line in warned if not line.startswith(tuple(f"Warning: {sentence}" for sentence in expected))
    ] == []


def test_there_are_examples():
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_the_page_of_custom_loops_shows_the_examples(backend):
    root = Path(__file__).resolve().parent.parent
    example = (root / "examples" / f"custom_loop_{backend}.py").read_text(encoding="utf-8")
    assert f"```py\n{example}```" in (root / "docs" / "custom-loops.md").read_text(encoding="utf-8")
