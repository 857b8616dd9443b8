"""`python -m benchmarks`."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import keras
import pytest

pytestmark = pytest.mark.any_backend
ROOT = Path(__file__).parent.parent


def called(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=300, check=False)


def test_every_benchmark_is_listed_in_80_columns():
    listed = called().stdout
    assert all(f"\n  {file.stem} " in listed for file in (ROOT / "benchmarks").glob("[!_]*.py"))
    assert max(map(len, listed.splitlines())) <= 80


def test_its_numbers_come_after_what_they_were_computed_on():
    # Tables of no files: the shortest of all.
    said = called("rlct_truth", "--tables", os.devnull)
    machine, devices, versions = said.stdout.splitlines()[:3]
    assert f"{os.cpu_count()} cores" in machine
    assert devices.startswith("devices: ")
    assert f"Python {platform.python_version()}, keras {keras.__version__}" in versions


def test_a_name_that_there_is_not_is_told_of():
    said = called("trainings")
    assert said.returncode == 2
    assert "'trainings'" in said.stderr
    assert "Traceback" not in said.stderr
