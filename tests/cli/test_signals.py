"""Signals that end the program. What Ctrl-C does to a computation stands in `test_run.py`."""

import os
import signal
import sys
import time

import click
import pytest
from click.testing import CliRunner

from ksm_cli.main import ENDING, Program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")


@pytest.fixture(autouse=True)
def _usual_handlers():
    """What `nohup` ignores, and what Ray has put in the place of Python's own, does not reach the tests."""
    before = {one: signal.signal(one, signal.SIG_DFL) for one in ENDING}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize("number", ENDING)
def test_a_command_that_is_asked_to_end_ends_like_ctrl_c(number):
    @click.command()
    def computing():
        os.kill(os.getpid(), number)
        click.echo("went on")

    before = [signal.getsignal(one) for one in ENDING]
    done = CliRunner().invoke(Program(commands=[computing]), ["computing"])
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Error: Interrupted.\n")
    assert [signal.getsignal(one) for one in ENDING] == before


def test_what_is_ignored_stays_so():
    """`nohup ksm …` goes on when the terminal is closed."""

    @click.command()
    def computing():
        os.kill(os.getpid(), signal.SIGHUP)
        click.echo("went on")

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        done = CliRunner().invoke(Program(commands=[computing]), ["computing"])
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (done.exit_code, done.stdout) == (0, "went on\n")


def test_a_signal_is_not_lost_where_python_drops_what_is_raised():
    class Collected:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            len("")  # Python looks for signals between two of its instructions

    @click.command()
    def computing():
        one = Collected()
        del one
        for _ in range(100):
            time.sleep(0.1)
        click.echo("went on")

    done = CliRunner().invoke(Program(commands=[computing]), ["computing"])
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Error: Interrupted.\n")
