"""The examples of custom training loops, one for each backend, run on it and stand in the docs."""

import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_the_loop_for_this_backend_runs():
    example = ROOT / "examples" / f"custom_loop_{keras.config.backend()}.py"
    finished = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() and "Warning" not in finished.stdout


@pytest.mark.any_backend
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_the_page_of_custom_loops_shows_the_examples(backend):
    example = (ROOT / "examples" / f"custom_loop_{backend}.py").read_text(encoding="utf-8")
    assert f"```py\n{example}```" in (ROOT / "docs" / "custom-loops.md").read_text(encoding="utf-8")
