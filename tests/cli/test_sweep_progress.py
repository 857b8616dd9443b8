"""How long the rest of a sweep takes, told from the runs that have ended."""

import pytest

from ksm_cli.sweep_progress import TimeLeft


def test_the_start_of_the_processes_is_no_time_of_a_run():
    """Two at a time, 10 s each, after 60 s in which the processes start."""
    time = TimeLeft()
    time.begun("a", 60.0)
    time.begun("b", 60.0)
    time.ended("a", 70.0)
    assert time.left(7, 70.0) == pytest.approx((7 * 10 - 10) / 2)  # the one beside it is as good as done
    time.ended("b", 70.0)
    assert time.left(6, 70.0) == pytest.approx(30.0)
    time.begun("c", 72.0)  # its first step is shown after a while: it began when "b" had ended
    time.begun("d", 72.0)
    time.ended("c", 80.0)
    time.ended("d", 80.0)
    assert time.left(4, 80.0) == pytest.approx(20.0)
    assert time.left(0, 80.0) == 0.0


def test_runs_that_never_were_at_work_here_tell_nothing():
    time = TimeLeft()
    time.ended("of another process", 5.0)
    assert time.left(3, 5.0) is None and time.left(0, 5.0) == 0.0
