import importlib.util
import re
import warnings
from pathlib import Path

import click
import pytest

from keras_selfmodel.rlct import verdict
from ksm_cli.commands.rlct import rlct_command
from ksm_cli.commands.run import run_command
from ksm_cli.output import Bar, in_options, print_json, require, spoken_warnings


def test_progress_elsewhere_than_on_a_terminal_is_a_line_now_and_then(capsys):
    with Bar(quiet=False) as bar:
        for done in range(1, 101):
            bar.show("epochs", done, 100, f"loss {done}")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [f"epochs {done}/100 loss {done}" for done in range(10, 101, 10)]


def test_the_last_step_is_always_told(capsys):
    with Bar(quiet=False) as bar:
        for done in (40, 80, 83):
            bar.show("RLCT", done, 83)
    assert capsys.readouterr().err.splitlines()[-1] == "RLCT 83/83"


def test_quiet_progress_says_nothing(capsys):
    with Bar(quiet=True) as bar:
        bar.show("epochs", 1, 1)
    assert capsys.readouterr() == ("", "")


def test_warnings_are_spoken_on_standard_error(capsys):
    with spoken_warnings():
        warnings.simplefilter("always")
        warnings.warn("This is odd.", UserWarning, stacklevel=1)
    assert capsys.readouterr() == ("", "Warning: This is odd.\n")


def test_json_has_no_nan():
    with pytest.raises(ValueError, match="JSON"):
        print_json({"value": float("nan")})


def test_a_missing_package_is_answered_with_the_pip_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "rich" else object())
    with pytest.raises(click.ClickException, match=r"needs rich: pip install .*\[experiments\]"):
        require("rich", "matplotlib")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (rlct_command, "Train longer, or measure after descent (--anchor descend)."),
        (run_command, "Train longer, or measure after descent."),
    ],
)
def test_settings_are_spoken_of_as_options_of_the_command_that_has_them(command, said):
    with click.Context(command):
        assert in_options("Train longer, or measure after descent (anchor='descend').") == said


def test_every_setting_that_a_warning_of_the_estimate_names_is_an_option_of_ksm_rlct():
    source = Path(verdict.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r" \((\w+)='\w+'\)", source))
    assert {"anchor", "inverse_temperature"} <= named <= {one.name for one in rlct_command.params}
