"""What the package says and does about what is installed beside it."""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_selfmodel._installation import choose_backend, installing, needed
from tests.without import environment_without

pytestmark = pytest.mark.any_backend


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """Pretends that Keras is not imported, that nobody has chosen a backend, and that these are installed."""

    def pretend(*names: str, configured: str | None = None) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name in names else None)
        if configured is not None:
            (tmp_path / "keras.json").write_text(json.dumps({"backend": configured}), encoding="utf-8")

    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return pretend


@pytest.mark.parametrize("configured", [None, "tensorflow"])  # Keras writes the second by itself.
def test_the_only_installed_backend_is_taken_where_none_is_chosen(fresh, configured):
    fresh("torch", configured=configured)
    choose_backend()
    assert os.environ["KERAS_BACKEND"] == "torch"


@pytest.mark.parametrize(
    ("installed", "configured"), [(["jax", "tensorflow"], None), (["jax", "torch"], "torch"), (["jax"], "jax")]
)
def test_what_keras_finds_by_itself_is_left_to_it(fresh, installed, configured):
    fresh(*installed, configured=configured)
    choose_backend()
    assert "KERAS_BACKEND" not in os.environ


def test_several_backends_of_which_keras_would_take_none_are_named(fresh):
    fresh("jax", "torch")
    with pytest.raises(ImportError, match="jax and torch, and none is chosen.*KERAS_BACKEND=jax"):
        choose_backend()


def test_a_library_that_is_missing_is_named_with_what_needs_it_and_the_command_that_installs_it():
    assert needed("numpy.linalg", "solve") is np.linalg
    with pytest.raises(ImportError, match=r"^plot needs nosuch: pip install .*\[experiments\]"):
        needed("nosuch.figure", "plot")


def test_without_a_backend_the_command_that_installs_one_is_named(fresh):
    fresh()
    with pytest.raises(ImportError, match=r"No backend is installed.*pip install .*\[jax\]"):
        choose_backend()


@pytest.mark.parametrize("name", ["mlx", "openvino", "tinygrad", "numpy"])
def test_other_backends_of_keras_get_one_sentence(fresh, monkeypatch, name):
    sentence = f"names the backend '{name}', on which keras_selfmodel does not run. Choose one of jax, tensorflow"
    fresh("jax", name, configured=name)
    with pytest.raises(ImportError, match=f"keras.json {sentence}"):
        choose_backend()
    monkeypatch.setenv("KERAS_BACKEND", name)
    with pytest.raises(ImportError, match=f"^KERAS_BACKEND {sentence}"):
        choose_backend()


def test_a_keras_that_is_imported_is_left_as_it_is(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "openvino")  # Too late to have an effect.
    choose_backend()
    monkeypatch.setattr(keras.config, "backend", lambda: "openvino")
    with pytest.raises(ImportError, match="The imported Keras names the backend 'openvino'"):
        choose_backend()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights")
def test_the_package_is_imported_where_one_backend_is_installed_and_none_chosen(tmp_path):
    backend = keras.config.backend()
    environment = environment_without({"jax", "tensorflow", "torch"} - {backend}, tmp_path / "packages")
    environment["KERAS_HOME"] = str(tmp_path)
    command = [sys.executable, "-S", "-c", "import keras_selfmodel, keras; print(keras.config.backend())"]
    finished = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert finished.stdout.split()[-1] == backend


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'keras-selfmodel[tune]'"),
        ({"url": "file:///home/a%20b/clone", "dir_info": {"editable": True}}, "pip install -e '/home/a b/clone[tune]'"),
        ({"url": "file:///home/clone", "dir_info": {}}, "pip install '/home/clone[tune]'"),
        (
            {"url": "https://example.org/k.git", "vcs_info": {"vcs": "git", "commit_id": "12"}},
            "pip install 'keras-selfmodel[tune] @ git+https://example.org/k.git'",
        ),
        (
            {"url": "file:///tmp/keras_selfmodel.whl", "archive_info": {}},
            "pip install 'keras-selfmodel[tune] @ file:///tmp/keras_selfmodel.whl'",
        ),
    ],
)
def test_extras_are_installed_from_where_the_package_came_from(monkeypatch, origin, command):
    class Installed:
        def read_text(self, file: str) -> str | None:
            assert file == "direct_url.json"
            return None if origin is None else json.dumps(origin)

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installed())
    assert installing("tune") == command


def test_in_a_clone_that_is_not_installed_the_command_is_that_of_a_clone(monkeypatch):
    def missing(name: str):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    assert installing("tune") == "pip install '.[tune]' (in a clone of the project)"
