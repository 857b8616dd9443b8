"""Every example runs, and stays short."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example):
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60
    finished = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip()
    assert "Warning" not in finished.stdout


def test_there_are_examples():
    assert len(EXAMPLES) >= 2
