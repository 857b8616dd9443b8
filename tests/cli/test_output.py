import importlib.util
import warnings

import click
import pytest

from ksm_cli.output import Bar, print_json, require, spoken_warnings


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
    with pytest.raises(click.ClickException, match=r"needs rich: pip install 'keras-selfmodel\[experiments\]'"):
        require("rich", "matplotlib")
