"""Every example runs, and stays short."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

# It brings TensorFlow, whatever the backend, so that no environment of the tests has it.
NEEDS = {"self_modeling_transformer": "keras_hub"}
ARGUMENTS = {"self_modeling_transformer": ["small"]}
# What an example shows on purpose. Whether the chains agree to the last is a matter of the backend's random numbers.
WARNS = {"rlct_of_a_plain_model": ["The estimate depends on the localization", "The chains do not agree"]}
FOLDER = Path(__file__).resolve().parent.parent / "examples"
# Those of custom loops are each for one backend; tests/test_custom_loops.py runs them.
EXAMPLES = sorted(set(FOLDER.glob("*.py")) - set(FOLDER.glob("custom_loop_*.py")))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example):
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 60
    needed = NEEDS.get(example.stem)
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"it needs {needed}, which is not installed")
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
