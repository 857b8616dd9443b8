"""The page of the docs lists the uses there are."""

from tests.uses.frame import BACKENDS
from tests.uses.page import ABSENT, PAGE, PASSES, row, rows


def test_the_page_lists_exactly_the_uses_there_are_and_all_pass():
    wanted = [
        row(use, {backend: PASSES if backend in use.backends else ABSENT for backend in BACKENDS})
        for tests in rows().values()
        for _, use in tests
    ]
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [line for line in lines if not line.startswith("| use ")] == wanted, "python -m tests.uses.page"


def test_every_use_has_a_name_of_its_own():
    tests = [(name, use) for part in rows().values() for name, use in part]
    assert len({name for name, _ in tests}) == len(tests)
    assert len({use.what for _, use in tests}) == len(tests)
