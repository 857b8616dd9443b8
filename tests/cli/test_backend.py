import importlib.util
import json
import os
import subprocess
import sys

import click
import pytest

from ksm_cli import backend as backend_module
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


COMPILES = """
import warnings
warnings.simplefilter("error")
from ksm_cli.backend import activate
activate("jax")
import jax
print(jax.jit(lambda x: 2 * x + 1)(3.0))
"""


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """Compiles a program on JAX after `activate`, in a process of its own; returns the files that it kept."""
    pytest.importorskip("jax")
    for name in ("JAX_ENABLE_COMPILATION_CACHE", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)  # of whoever runs the tests, and of tests/compiled_once.py

    def compiling(**variables: str) -> list:
        done = subprocess.run(
            [sys.executable, "-c", COMPILES], env=os.environ | variables, capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("7.0\n", "")
        return sorted((tmp_path / "cache").glob("compiled/*/*-cache"))

    return compiling


def test_what_jax_compiles_is_kept_and_damage_costs_no_more_than_compiling_again(kept):
    first = kept()
    assert first
    times = [file.stat().st_mtime_ns for file in first]
    assert [file.stat().st_mtime_ns for file in kept()] == times
    for file in first:
        os.truncate(file, 10)
    kept()


def test_nothing_is_kept_where_jax_s_own_variables_say_otherwise(kept, tmp_path):
    assert kept(JAX_ENABLE_COMPILATION_CACHE="false") == []
    assert kept(JAX_COMPILATION_CACHE_DIR=str(tmp_path / "elsewhere")) == []


def test_too_many_compiled_programs_are_dropped_and_a_folder_that_cannot_be_made_stops_nothing(monkeypatch, tmp_path):
    for name in ("JAX_ENABLE_COMPILATION_CACHE", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    monkeypatch.setattr(backend_module, "MOST_COMPILED", 1)
    backend_module._keep_compiled()
    (folder,) = (tmp_path / "cache" / "compiled").iterdir()
    (folder / "one").touch()
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    backend_module._keep_compiled()
    assert [file.name for file in folder.iterdir()] == ["one"]
    (folder / "two").touch()
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    backend_module._keep_compiled()
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    monkeypatch.setenv("KSM_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    backend_module._keep_compiled()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ
