"""The page that says what was tried counts it correctly."""

import re
from pathlib import Path

from tests.faults.test_damaged_runs import DAMAGES, HISTORIES
from tests.faults.test_kills import COMMANDS, KILLS
from tests.faults.test_wrong_inputs import LINES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hardening.md"


def test_the_counts_of_the_page_are_those_of_the_tests():
    page = PAGE.read_text(encoding="utf-8")
    counts = [int(number) for number in re.findall(r"^\|[^|]+\| (\d+) \|", page, flags=re.M)]
    assert counts == [len(DAMAGES), len(HISTORIES), len(LINES), KILLS]
    writing = {line[0] for line in COMMANDS.values()}
    assert f"for each of {len(COMMANDS)} command lines of the {len(writing)} commands that write" in page
