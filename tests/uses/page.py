"""Writes docs/uses.md: runs all uses on every backend and marks those that pass.

python -m tests.uses.page
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tests.uses.frame import BACKENDS, Use, uses

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "uses.md"
PASSES, FAILS, ABSENT = "✓", "✗", "–"

INTRODUCTION = """\
# Uses, with numbers

What a Keras user does with the package, on each backend. Each row is a test under `tests/uses` that asserts a number
against NumPy or a plain Keras model built by hand; `python -m tests.uses.page` runs them all and writes this page.
✓ passes, ✗ fails, – Keras has no such thing on this backend.
"""


def row(use: Use, marks: dict[str, str]) -> str:
    """A line of the table."""
    return f"| {use.what} | {use.asserted} | {' | '.join(marks[backend] for backend in BACKENDS)} |"


def rows() -> dict[str, list[tuple[str, Use]]]:
    """The table's parts: headings, and of each use the name of its test and what it says."""
    return {heading: list(tests.items()) for heading, tests in uses().items()}


def _results(backend: str) -> dict[str, str]:
    """What became of each test on a backend."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "tests/uses", f"--junitxml={report}"]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "KERAS_BACKEND": backend}, check=False)
        return _marks(report)


def _marks(report: Path) -> dict[str, str]:
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {case.get("name", ""): _mark({child.tag for child in case}) for case in cases}


def _mark(outcomes: set[str]) -> str:
    return FAILS if outcomes & {"failure", "error"} else ABSENT if "skipped" in outcomes else PASSES


def write(results: dict[str, dict[str, str]]) -> None:
    """Writes the page from what became of each test on each backend."""
    lines = [INTRODUCTION]
    for heading, tests in rows().items():
        lines += [f"## {heading}\n", f"| use | asserted | {' | '.join(BACKENDS)} |", "|---|---|:-:|:-:|:-:|"]
        for name, use in tests:
            marks = {backend: results[backend][name] for backend in use.backends}
            lines.append(row(use, {**dict.fromkeys(BACKENDS, ABSENT), **marks}))
        lines.append("")
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write({backend: _results(backend) for backend in BACKENDS})
