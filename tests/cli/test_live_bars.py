"""What is drawn on a terminal, whose width COLUMNS says."""

import pytest

pytest.importorskip("rich")

from ksm_cli.live_bars import BAR_WIDTH, terminal_progress

BAR_SIGNS = "━╸╺"


@pytest.fixture
def drawn(monkeypatch):
    """The lines that are drawn of bars: (part, done, total, note), and of a phase; without colors only what is done."""

    def lines(width: int, *bars: tuple[str, int, int, str], phase: str = "") -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        progress = terminal_progress()
        for part, done, total, note in bars:
            progress.add_task(part, total=total, completed=done, note=note)
        if phase:
            progress.add_phase(phase)
        with progress.console.capture() as captured:
            progress.console.print(progress.get_renderable())
        return captured.get().splitlines()

    return lines


RUN = (
    ("epochs", 50, 50, "loss 0.0531  accuracy 0.9125"),
    ("RLCT", 1000, 1000, ""),
    ("RLCT after descent", 10000, 10000, ""),
)


def test_numbers_and_times_are_whole_at_80_columns_and_the_bar_is_shorter(drawn):
    for line, (part, done, total, note) in zip(drawn(80, *RUN), RUN, strict=True):
        assert len(line) <= 80 and line.startswith(part) and f"{done}/{total} " in line
        assert line.rstrip().endswith(note) and "…" not in line and line.count(":") == 4
        assert 4 <= sum(line.count(sign) for sign in BAR_SIGNS) < BAR_WIDTH


def test_the_bar_has_its_length_where_there_is_room(drawn):
    assert all(sum(line.count(sign) for sign in BAR_SIGNS) == BAR_WIDTH for line in drawn(120, *RUN))


def test_then_the_description_is_cut_then_the_note(drawn):
    long = ("RLCT after descent", 1000, 10000, "mnist-hidden512-aux10-seed1")
    (line,) = drawn(70, long)
    assert len(line) <= 70 and "1000/10000 0:00:00 " in line and line.startswith("RLCT") and "…" in line
    assert line.rstrip().endswith("mnist-hidden512-aux10-seed1")
    (line,) = drawn(56, long)
    assert len(line) <= 56 and "1000/10000 0:00:00 " in line and line.rstrip().endswith("…")


def test_a_long_phase_takes_nothing_from_the_bars_above(drawn):
    words = "RLCT after descent: sampling at a weaker localization and at a higher temperature …"
    *bars, phase = drawn(80, *RUN, phase=words)
    assert bars == drawn(80, *RUN)
    assert len(phase) <= 80 and words[:60] in phase and phase.count(":") == 3
