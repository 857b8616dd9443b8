import importlib.util
import json
import subprocess
import sys

import click
import pytest

from ksm_cli.backend import choose


@pytest.fixture
def installed(monkeypatch):
    """Pretends that these backends are installed, and that nobody has chosen one."""

    def pretend(*names: str) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name in names else None)

    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.delenv("KERAS_HOME", raising=False)
    return pretend


def _configure(folder, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "keras.json").write_text(text)


def test_the_option_wins_over_everything(installed, monkeypatch, tmp_path):
    installed("jax", "tensorflow", "torch")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    _configure(tmp_path / ".keras", '{"backend": "tensorflow"}')
    assert choose("torch") == ("torch", "--backend")


def test_the_environment_wins_over_keras_json(installed, monkeypatch, tmp_path):
    installed("jax", "tensorflow", "torch")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    _configure(tmp_path / ".keras", '{"backend": "tensorflow"}')
    assert choose(None) == ("torch", "KERAS_BACKEND")


def test_keras_json_wins_over_the_first_installed(installed, tmp_path):
    installed("jax", "torch")
    _configure(tmp_path / ".keras", '{"backend": "torch"}')
    assert choose(None) == ("torch", "keras.json")


def test_keras_json_is_looked_for_in_keras_home(installed, monkeypatch, tmp_path):
    installed("jax", "torch")
    _configure(tmp_path / "elsewhere", '{"backend": "torch"}')
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "elsewhere"))
    assert choose(None) == ("torch", "keras.json")


@pytest.mark.parametrize(
    "text",
    [json.dumps({"backend": "tensorflow"}), '{"backend": "numpy"}', "[]", "{", '{"floatx": "float32"}'],
)
def test_a_keras_json_that_names_no_installed_backend_does_not_count(installed, tmp_path, text):
    installed("torch")
    _configure(tmp_path / ".keras", text)
    assert choose(None) == ("torch", "first installed")


def test_the_first_installed_comes_last(installed):
    installed("tensorflow", "torch")
    assert choose(None) == ("tensorflow", "first installed")


@pytest.mark.parametrize(("asked", "environment"), [("torch", None), (None, "torch")])
def test_a_backend_that_is_not_installed_is_answered_with_the_pip_line(installed, monkeypatch, asked, environment):
    installed("jax")
    if environment:
        monkeypatch.setenv("KERAS_BACKEND", environment)
    with pytest.raises(click.UsageError, match=r"Installed: jax\. To install it: pip install .*\[torch\]"):
        choose(asked)


def test_a_backend_that_does_not_exist_is_answered_with_those_that_do(installed, monkeypatch):
    installed("jax")
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    with pytest.raises(click.UsageError, match="KERAS_BACKEND names the backend 'theano'.*jax, tensorflow, torch"):
        choose(None)


def test_without_any_backend_the_pip_lines_are_named(installed):
    installed()
    with pytest.raises(click.ClickException, match=r"No backend is installed.*pip install .*\[jax\]"):
        choose(None)


@pytest.mark.parametrize(("fails", "seen"), [(False, ""), (True, "cuda drivers")])
def test_what_tensorflow_prints_on_import_is_seen_only_where_the_import_fails(tmp_path, fails, seen):
    (tmp_path / "tensorflow.py").write_text(f"import os\nos.write(2, b'cuda drivers')\nassert not {fails}, 'broken'")
    code = f"""
import importlib.util, os, sys
from ksm_cli.backend import activate
activate(None)
sys.path.insert(0, {str(tmp_path)!r})
assert importlib.util.find_spec("tensorflow")  # whether it is there, is asked more than once
try:
    import tensorflow
except AssertionError:
    pass
os.write(1, b"imported")
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (finished.stdout, finished.stderr) == ("imported", seen)
