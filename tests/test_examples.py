"""Every example runs, and stays short."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

# It brings TensorFlow, whatever the backend, so that no environment of the tests has it.
NEEDS = {"self_modeling_transformer": "keras_hub"}
ARGUMENTS = {"self_modeling_transformer": ["small"]}
EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example):
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60
    needed = NEEDS.get(example.stem)
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"it needs {needed}, which is not installed")
    command = [sys.executable, str(example), *ARGUMENTS.get(example.stem, [])]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip()
    assert "Warning" not in finished.stdout


def test_there_are_examples():
    assert len(EXAMPLES) >= 2
