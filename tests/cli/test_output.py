import errno
import importlib.util
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from keras_selfmodel.rlct import verdict
from ksm_cli.arguments_as_options import in_options
from ksm_cli.commands.compare import compare_command
from ksm_cli.commands.rlct import rlct_command
from ksm_cli.commands.run import run_command
from ksm_cli.main import ContextKeptForErrors, Program
from ksm_cli.options.grids import numbers
from ksm_cli.output import Bar, print_json, require, spoken_warnings
from tests.locked import lock


def test_progress_elsewhere_than_on_a_terminal_is_a_line_for_each_phase(capsys):
    with Bar(quiet=False) as bar:
        bar.phase("training")
        for done in range(1, 101):
            bar.show("epochs", done, 100, f"loss {done}")
        bar.phase("RLCT: curvature")
        for done in (40, 80, 83, 83):
            bar.show("RLCT", done, 83)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["training …", "epochs 100/100 loss 100", "RLCT: curvature …", "RLCT 83/83"]


def test_a_phase_of_hours_is_a_line_for_each_tenth(capsys, monkeypatch):
    clock = iter(range(0, 10**6, 10))  # ten seconds from one look to the next
    monkeypatch.setattr("ksm_cli.output.time.monotonic", lambda: next(clock))
    with Bar(quiet=False) as bar:
        for done in range(1, 1001):
            bar.show("epochs", done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10 and lines[-1] == "epochs 1000/1000"


def test_on_a_terminal_a_phase_is_a_live_line_until_its_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with Bar(quiet=False) as bar:
        bar.phase("curvature")
        shown = [task.fields["note"] for task in bar._progress.tasks]
        bar.show("RLCT", 1, 10)
        after = [(task.description, task.total) for task in bar._progress.tasks]
    assert shown == ["curvature …"] and after == [("RLCT", 10)]


def test_quiet_progress_says_nothing(capsys):
    with Bar(quiet=True) as bar:
        bar.phase("training")
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
    ("command", "sentence", "said"),
    [
        (rlct_command, "Measure after descent (anchor='descend').", "Measure after descent (--anchor descend)."),
        (run_command, "Measure after descent (anchor='descend').", "Measure after descent."),
        (run_command, "Pass resume=True; or choose another folder (folder=…).",
         "Pass --resume; or choose another folder (--out DIR)."),
        (compare_command, "Choose another folder (folder=…).", "Choose another folder."),
        (rlct_command, "sampler='mala' needs batch_size=600. Received: batch_size=512",
         "--sampler mala needs --batch-size 600. Received: --batch-size 512"),
        (run_command, "below 1 with objective='dropout'. Received: aux_weight=1.5.",
         "below 1 with --objective dropout. Received: --aux-weight 1.5."),
        (run_command, "epochs must be 1. Received: epochs=0", "--epochs must be 1. Received: --epochs 0"),
        (rlct_command, "num_chains must be 2. The anchor must be.", "--chains must be 2. The anchor must be."),
        # No arguments: what a file holds, code of the user's. The variable is what the option sets.
        (run_command, "my.toml, [training]: Received: epochs = 0", "my.toml, [training]: Received: epochs = 0"),
        (run_command, "run: python -c \"tfds.builder('mnist:9.9.9', data_dir='/data')\". Set seed=1",
         "run: python -c \"tfds.builder('mnist:9.9.9', data_dir='/data')\". Set --seed 1"),
        (run_command, "KERAS_BACKEND=jax, dict(a=1), x == 2", "--backend jax, dict(a=1), x == 2"),
    ],
)  # fmt: skip
def test_arguments_are_spoken_of_as_options_of_the_command_that_has_them(command, sentence, said):
    with click.Context(command):
        assert in_options(sentence) == said


def test_every_setting_that_a_warning_of_the_estimate_names_is_an_option_of_ksm_rlct():
    source = Path(verdict.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r" \((\w+)='\w+'\)", source))
    assert {"anchor", "inverse_temperature"} <= named <= {one.name for one in rlct_command.params}


@pytest.mark.parametrize(("variable", "colored"), [("", True), ("1", False)])
def test_no_color_is_obeyed(monkeypatch, variable, colored):
    monkeypatch.setenv("NO_COLOR", variable)
    command = click.Command("warned", callback=lambda: click.secho("Warning", fg="yellow", err=True))
    group = Program("ksm", commands={"warned": command})
    shown = CliRunner().invoke(group, ["warned"], color=True).stderr
    assert ("\x1b[" in shown) == colored and "Warning" in shown


def test_a_range_that_goes_down_is_named():
    with pytest.raises(click.UsageError, match="--seeds: a range goes from small to large, such as 1-3"):
        numbers("3-1", int, "--seeds", least=0)


@pytest.mark.parametrize(("options", "lines"), [((), 1), (("--verbose",), 10)])
def test_verbose_has_a_line_for_each_tenth_elsewhere_than_on_a_terminal(options, lines):
    def callback() -> None:
        with Bar(quiet=False) as bar:
            for done in range(1, 101):
                bar.show("epochs", done, 100)

    flag = click.Option(["--verbose"], is_flag=True)
    group = Program("ksm", params=[flag], commands={"train": click.Command("train", callback=callback)})
    assert len(CliRunner().invoke(group, [*options, "train"]).stderr.splitlines()) == lines


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("line", [["--help"], ["--version"], ["runs", "--help"]])
def test_output_that_cannot_be_written_is_a_sentence(line, unbuffered):
    program = [sys.executable, "-c", "from ksm_cli.main import main; main(prog_name='ksm')", *line]
    with open("/dev/full", "wb") as full:
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        ended = subprocess.run(program, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "Error: No space left on device. Make room, then repeat the command.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
def test_json_on_a_closed_standard_output_is_no_defect():
    program = [sys.executable, "-c", "from ksm_cli.main import main; main(prog_name='ksm')", "data", "--json"]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *program]
    ended = subprocess.run(closed, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 0 and "Traceback" not in ended.stderr


def _error(failing: Exception, *line: str) -> str:
    def callback(out: Path | None) -> None:
        raise failing

    command = click.Command("do", params=[click.Option(["--out"], type=click.Path(path_type=Path))], callback=callback)
    command.context_class = ContextKeptForErrors
    return CliRunner().invoke(Program("ksm", commands={"do": command}), ["do", *line]).stderr


def test_an_error_about_a_file_that_cannot_be_looked_at_is_a_sentence(monkeypatch, tmp_path):
    long = tmp_path / ("x" * 300) / "y"
    error = OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(long))
    assert _error(error) == f"Error: {long}: File name too long.\n"
    (tmp_path / "run").mkdir()
    lock(monkeypatch, tmp_path / "run")
    file = tmp_path / "run" / "figures" / "a.png"
    assert _error(PermissionError(errno.EACCES, "Permission denied", str(file))).startswith(
        f"Error: {file}: Permission"
    )


def test_a_limit_on_threads_is_explained():
    error = RuntimeError("can't start new thread")
    assert "its limit on memory (ulimit -v)" in _error(error) and "repeat the command" in _error(error)


def test_another_out_is_advised_only_for_what_lies_there(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda *_: False)
    there, beside = tmp_path / "out" / "table.csv", tmp_path / "run" / "compression.json"
    for file, advised in ((there, True), (beside, False)):
        said = _error(OSError(errno.EROFS, "Read-only file system", str(file)), "--out", str(tmp_path / "out"))
        assert ("Choose another place with --out." in said) == advised
    assert "Choose another place" in _error(OSError(errno.EROFS, "Read-only file system", str(there)))


def test_verbose_shows_the_traceback_of_an_error():
    def callback() -> None:
        raise ValueError("too large")

    flag = click.Option(["--verbose"], is_flag=True)
    group = Program("ksm", params=[flag], commands={"train": click.Command("train", callback=callback)})
    assert CliRunner().invoke(group, ["train"]).stderr == "Error: too large\n"
    assert isinstance(CliRunner().invoke(group, ["--verbose", "train"]).exception, ValueError)
